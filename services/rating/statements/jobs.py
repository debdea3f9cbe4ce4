"""Schedules: open periods, price what is asked for at its pace, close what is due. Safe in any number of
workers and replicas."""

import asyncio
from time import perf_counter

from prometheus_client import Gauge, Histogram

from services.rating.contracts.usecases.open_periods import open_due_periods
from services.rating.statements.domain.pace import Pace
from services.rating.statements.memory import StatementsContext
from services.rating.statements.usecases import keep_house as usecases
from services.rating.statements.usecases import price as pricing
from services.rating.statements.usecases.close_periods import close_due
from shared.runtime.clock import machine_us
from shared.runtime.jobs import Job
from shared.runtime.pacing import rest_s as rest_after_s

OPEN_EVERY_S, PRICE_EVERY_S, CLOSE_EVERY_S, HOUSEKEEPING_EVERY_S = 1.0, 0.05, 0.5, 5.0
MARKS = Gauge("u2c_open_marks", "Marks that no pricing has fanned out yet")
BACKLOG = Gauge("u2c_pricing_backlog", "Statements asked for and not priced yet")
OVERDUE = Gauge(
    "u2c_period_overdue_seconds",
    "Since when the period that waits longest for its close is due, by the business clock; 0: none",
)
REST = Gauge("u2c_pricing_rest_seconds", "Least time between two revisions of a statement, now")
SECONDS = Histogram(
    "u2c_pricing_seconds",
    "Time of one pricing transaction",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)


async def open_periods(context: StatementsContext) -> None:
    """Open every period the business clock has reached."""
    while True:
        async with context.db.transaction() as uow:
            if not await open_due_periods(uow, context.clock.now()):
                return


async def price(context: StatementsContext) -> None:
    """Fan out, then price what is asked for and rested, until nothing is."""
    if not await pricing.anything_asked(context.db):
        return
    pace, memory = (
        Pace(context.settings.reprice_min_s, context.settings.reprice_max_s),
        context.state.metering,
    )
    priced = 1
    while priced:
        rest_s = pace.rest_s(memory.behind_s)
        REST.set(rest_s)
        async with context.db.transaction() as uow:
            await pricing.fan_out(uow, context.settings.marks_max)
        priced, took_s = await _price_some(context, machine_us() - int(rest_s * 1_000_000))
        if priced:
            await asyncio.sleep(rest_after_s(took_s, full=priced == context.settings.claim_max))
        else:
            await memory.wait_while_late(pace.late_s, pace.pause_s(rest_s))


async def _price_some(context: StatementsContext, priced_before_us: int) -> tuple[int, float]:
    """How many statements one transaction priced, and the seconds it took."""
    began = perf_counter()
    priced = await pricing.price_stale(
        context.db, context.clock.now(), priced_before_us=priced_before_us, limit=context.settings.claim_max
    )
    took_s = perf_counter() - began
    SECONDS.observe(took_s)
    return priced, took_s


async def close(context: StatementsContext) -> None:
    await close_due(context)


async def keep_house(context: StatementsContext) -> None:
    """Drop requests that need no answer, and tell Prometheus what waits."""
    async with context.db.transaction() as uow:
        waits = await usecases.keep_house(uow, context.clock.now())
    MARKS.set(waits.marks)
    BACKLOG.set(waits.statements)
    OVERDUE.set(waits.overdue_s)


def jobs(pricing_workers: int) -> list[Job[StatementsContext]]:
    return [
        Job("open_periods", OPEN_EVERY_S, open_periods),
        Job("price", PRICE_EVERY_S, price, workers=pricing_workers, follows_clock=False),
        Job("close", CLOSE_EVERY_S, close),
        Job("keep_house", HOUSEKEEPING_EVERY_S, keep_house, follows_clock=False),
    ]
