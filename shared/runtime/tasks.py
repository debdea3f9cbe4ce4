"""What runs in a process for ever, and its end in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared.runtime.jobs import WAITED_OUT

log = structlog.get_logger()
END_ROUNDS_MAX, END_ROUND_S = 8, 0.5
CLOSE_PART_S = 1.0


async def supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run what is meant to run for ever; after a fault nobody foresaw, begin again. What ends by itself has
    said why (`stopped_reason`)."""
    while True:
        try:
            return await run()
        except Exception:
            log.exception("task_failed", task=name)
            await asyncio.sleep(1)


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a cancellation that meets a connection being torn down can get lost in the
    driver."""
    left = set(tasks)
    for _round in range(END_ROUNDS_MAX):
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=END_ROUND_S) if left else (left, left)
    for task in left:
        log.error("task_does_not_end", task=task.get_name())


async def close(*parts: Callable[[], Awaitable[None]]) -> None:
    """Close part after part, each within its time: a database that is gone must not keep the process. Nothing
    is lost by haste."""
    for part in parts:
        try:
            await asyncio.wait_for(part(), CLOSE_PART_S)
        except WAITED_OUT as fault:
            log.warning("not_closed_in_order", part=part.__qualname__, fault=repr(fault))


def start(name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Run it for ever, until `end`."""
    return asyncio.create_task(supervise(name, run), name=name)
