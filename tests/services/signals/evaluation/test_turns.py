"""While many days of many customers are evaluated, whoever asks the process is answered."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import timedelta

from services.signals.evaluation.usecases.evaluate import DAYS_AT_ONCE, evaluate_due
from services.signals.settings import read_policy
from tests.services.signals.conftest import Start
from tests.services.signals.evaluation.many import DAY, due_on, fill, fill_contracts

CUSTOMERS = 60


async def turns_during(work: Awaitable[int]) -> tuple[int, float, float]:
    """What the work comes to, for how many seconds it ran, and the longest time in which nobody else had a turn."""
    running, began = asyncio.ensure_future(work), time.monotonic()
    longest, before = 0.0, began
    while not running.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest, before = max(longest, now - before), now
    return await running, before - began, longest


async def test_a_process_that_was_away_for_weeks_answers_while_it_makes_up_for_them(start: Start) -> None:
    async with start() as signals:
        await fill(signals, CUSTOMERS)
        await fill_contracts(signals, CUSTOMERS)
        until, policy = due_on(DAY + timedelta(days=DAYS_AT_ONCE - 1)), read_policy()

        async def evaluate() -> int:
            async with signals.context.db.transaction() as uow:
                return await evaluate_due(uow, until, policy, CUSTOMERS)

        found, took, longest = await turns_during(evaluate())
        print(
            f"{found} customers, {DAYS_AT_ONCE} days each, in {took:.2f} s; the longest turn was {longest:.3f} s"
        )
        rows = await signals.context.db.pool.fetchval("select count(*) from signals.standings")
        assert (found, rows) == (CUSTOMERS, CUSTOMERS * DAYS_AT_ONCE)
        assert longest < took / 6
