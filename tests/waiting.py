"""Waiting for what must come true, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LOOKS_EVERY_S = 0.02
TIMEOUT_S = 60.0


async def until(
    holds: Callable[[], Awaitable[T | None]], what: str = "what must come true", timeout_s: float = TIMEOUT_S
) -> T:
    """Return what `holds` comes to once it is true; after the bound fail and say what was waited for.

    Between two looks it rests for as long as a look took: one that checks a whole book would else take the time
    of what it waits for.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        began = time.monotonic()
        if found := await holds():
            return found
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain: {what}"
        await asyncio.sleep(max(LOOKS_EVERY_S, time.monotonic() - began))
