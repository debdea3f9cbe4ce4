"""Long work between two waits: a process that does it all at once answers nobody meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")


async def in_turns(things: Iterable[T]) -> AsyncIterator[T]:
    """These things, one after another; after each whoever waits has a turn."""
    for thing in things:
        yield thing
        await asyncio.sleep(0)
