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
    clock, at once when that moves."""

    name: str
    every_s: float
    run: Callable[[Asking], Awaitable[None]]
    workers: int = 1
    follows_clock: bool = True


Running = TypeVar("Running", bound=AnyContext)


async def repeat(job: Job[Running], context: Running) -> None:
    """Run a job for ever. A fault is logged and tried again with back-off: a job that stops is a leak nobody
    sees."""
    backoff_s = BACKOFF_MIN_S
    while True:
        try:
            await job.run(context)
            backoff_s = BACKOFF_MIN_S
            if job.follows_clock:
                await context.clock.wait_change(job.every_s)
            else:
                await asyncio.sleep(job.every_s)
            continue
        except WAITED_OUT as fault:
            log.warning("job_waits_for_outage", job=job.name, fault=repr(fault))
        except Exception:
            log.exception("job_failed", job=job.name)
        backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
        await asyncio.sleep(backoff_s)
