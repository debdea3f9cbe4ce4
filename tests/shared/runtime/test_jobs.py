"""A job runs every so often, when the business clock moves, and, if it works off what others leave it, soon after
something happened."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from shared.runtime.jobs import Job, repeat
from shared.runtime.wake import News

LONG_S = 3600.0


class Surroundings(SimpleNamespace):
    """What `repeat` uses of a context."""

    def __init__(self) -> None:
        super().__init__(progress=News(), clock=SimpleNamespace(wait_change=self.wait_change))
        self.moved = asyncio.Event()

    async def wait_change(self, timeout_s: float) -> None:
        await asyncio.wait_for(self.moved.wait(), timeout_s)


async def runs(job: Job[Any], surroundings: Surroundings, act: Callable[[], None]) -> bool:
    """Whether the job runs a second time once `act` has been called."""
    ran = 0

    async def run(_context: Any) -> None:
        nonlocal ran
        ran += 1

    repeating = asyncio.create_task(repeat(replace(job, run=run), surroundings))
    await _turns()
    assert ran == 1
    act()
    await _turns()
    repeating.cancel()
    await asyncio.gather(repeating, return_exceptions=True)
    return ran > 1


async def _turns() -> None:
    """Let everything run that need not wait for a time."""
    for _ in range(100):
        await asyncio.sleep(0)


async def nothing(_context: Any) -> None: ...


async def test_news_lets_a_job_run_that_waits_for_it_and_no_other() -> None:
    surroundings = Surroundings()
    news = surroundings.progress.call
    assert await runs(Job("soon", LONG_S, nothing, soon_s=0.0), surroundings, news)
    assert not await runs(Job("seldom", LONG_S, nothing), surroundings, news)
    assert not await runs(Job("later", LONG_S, nothing, soon_s=LONG_S), surroundings, news)


async def test_a_moved_clock_lets_it_run_at_once() -> None:
    surroundings = Surroundings()
    assert await runs(Job("soon", LONG_S, nothing, soon_s=LONG_S), surroundings, surroundings.moved.set)


async def test_what_happens_while_it_runs_is_not_missed() -> None:
    surroundings, ran = Surroundings(), 0

    async def run(_context: Any) -> None:
        nonlocal ran
        ran += 1
        if ran == 1:
            surroundings.progress.call()

    repeating = asyncio.create_task(repeat(Job("soon", LONG_S, run, soon_s=0.0), surroundings))
    await _turns()
    repeating.cancel()
    await asyncio.gather(repeating, return_exceptions=True)
    assert ran == 2
