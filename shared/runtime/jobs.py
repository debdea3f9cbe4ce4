"""What a service does by the clock: each job again and again, for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from shared.bus import BusUnavailable
from shared.db.unit_of_work import OUTAGES
from shared.runtime.context import AnyContext

log = structlog.get_logger()
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.1, 10.0
WAITED_OUT: tuple[type[BaseException], ...] = (*OUTAGES, BusUnavailable)
Asking = TypeVar("Asking", bound=AnyContext, contravariant=True)


@dataclass(frozen=True)
class Job(Generic[Asking]):
    """A schedule: `run` is called every `every_s` of the machine clock, and, if it follows the business
    clock, at once when that moves.

    With `soon_s` also when something has happened in this process since it began to look, so long after that
    at the earliest: what works off what others leave it then costs next to nothing while nothing happens.
    """

    name: str
    every_s: float
    run: Callable[[Asking], Awaitable[None]]
    workers: int = 1
    follows_clock: bool = True
    soon_s: float | None = None


Running = TypeVar("Running", bound=AnyContext)


async def repeat(job: Job[Running], context: Running) -> None:
    """Run a job for ever. A fault is logged and tried again with back-off: a job that stops is a leak nobody
    sees."""
    backoff_s = BACKOFF_MIN_S
    while True:
        heard, began = context.progress.count, asyncio.get_running_loop().time()
        try:
            await job.run(context)
            backoff_s = BACKOFF_MIN_S
            await _rest(job, context, heard, began)
            continue
        except WAITED_OUT as fault:
            log.warning("job_waits_for_outage", job=job.name, fault=repr(fault))
        except Exception:
            log.exception("job_failed", job=job.name)
        backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
        await asyncio.sleep(backoff_s)


async def _rest(job: Job[Running], context: Running, heard: int, began: float) -> None:
    """Wait for what lets the job run again, whichever comes first."""
    waits = (
        [_time(job, context)]
        if job.soon_s is None
        else [_time(job, context), _news(job, context, heard, began)]
    )
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _time(job: Job[Running], context: Running) -> None:
    await (context.clock.wait_change(job.every_s) if job.follows_clock else asyncio.sleep(job.every_s))


async def _news(job: Job[Running], context: Running, heard: int, began: float) -> None:
    await context.progress.wait(heard, job.every_s)
    await asyncio.sleep(began + (job.soon_s or 0) - asyncio.get_running_loop().time())
