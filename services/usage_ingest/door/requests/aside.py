"""Bodies that take long are taken apart by another thread, so that everybody else is answered meanwhile.

It is one thread: what many large bodies would take at once would be memory, not speed.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import TypeVar

from services.usage_ingest.domain.acceptance import Acceptance, accept
from services.usage_ingest.domain.events import Circumstances
from shared.http.limits import OFF_LOOP_BYTES

#: Of events judged before others get a turn: about five milliseconds.
TURN_BYTES = 128 * 1024
Made = TypeVar("Made")
_thread = ThreadPoolExecutor(1, "large-bodies")


async def taken_apart(work: Callable[[bytes], Made], body: bytes) -> Made:
    """What `work` makes of the body."""
    return work(body) if len(body) <= OFF_LOOP_BYTES else await aside(work, body)


async def aside(work: Callable[[bytes], Made], body: bytes) -> Made:
    return await asyncio.get_running_loop().run_in_executor(_thread, work, body)


async def judged(events: Sequence[bytes], by: Circumstances) -> Acceptance:
    """What becomes of the events of one request."""
    acceptance, ends = Acceptance(), list(accumulate(map(len, events)))
    if ends and ends[-1] > OFF_LOOP_BYTES:
        await asyncio.get_running_loop().run_in_executor(_thread, accept, events, by, acceptance)
        return acceptance
    for start, end in turns(ends):
        accept(events[start:end], by, acceptance, start)
        await asyncio.sleep(0)
    return acceptance


def turns(ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of events of about TURN_BYTES, at least one each; `ends` says how many bytes there are up to
    each event's end."""
    start, done = 0, 0
    while start < len(ends):
        end = max(start + 1, bisect_right(ends, done + TURN_BYTES))
        yield start, end
        start, done = end, ends[end - 1]
