"""Schedules: open periods, price what is due, close what is due. Safe in any number of
workers and replicas."""

import asyncio
from time import perf_counter

from services.rating.blocks.usecases.ask_beforehand import tell_asked
from services.rating.contracts.usecases.open_periods import open_due_periods
from services.rating.statements.domain.pace import told_every_s
from services.rating.statements.memory import StatementsContext
from services.rating.statements.metrics import BACKLOG, MARKS, OVERDUE, SECONDS, TOLD_EVERY
from services.rating.statements.usecases import keep_house as usecases
from services.rating.statements.usecases.close_periods import close_due
from services.rating.statements.usecases.fan_out import fan_out_all
from services.rating.statements.usecases.lapse_due import lapse_due
from services.rating.statements.usecases.price import price_due
from shared.runtime.jobs import Job
from shared.runtime.pacing import rest_s

SELDOM_S, SOON_S, HOUSEKEEPING_EVERY_S = 5.0, 1.0, 10.0


async def open_periods(context: StatementsContext) -> None:
    """Open every period the business clock has reached."""
    while True:
        async with context.db.transaction() as uow:
            if not await open_due_periods(uow, context.clock.now()):
                return


async def ask_beforehand(context: StatementsContext) -> None:
    """Tell what is asked for beforehand and due by the business clock."""
    while True:
        async with context.db.transaction() as uow:
            if not await tell_asked(uow, context.clock.now()):
                return


async def lapse(context: StatementsContext) -> None:
    """Let blocks lapse whose time is over, also those that no period closes after."""
    while await lapse_due(context):
        pass


async def price(context: StatementsContext) -> None:
    """Turn marks into requests, then price what is due, until nothing is."""
    await fan_out_all(context)
    while True:
        began = perf_counter()
        priced = await price_due(context)
        if not priced:
            return
        took_s = perf_counter() - began
        SECONDS.observe(took_s)
        full = priced == context.settings.claim_max and not context.state.metering.late
        await asyncio.sleep(rest_s(took_s, full=full))


async def close(context: StatementsContext) -> None:
    await close_due(context)


async def keep_house(context: StatementsContext) -> None:
    """Let requests of what has become final ask for corrections, set the pace of telling by what waits, and tell
    Prometheus."""
    async with context.db.transaction() as uow:
        waits = await usecases.keep_house(uow, context.clock.now())
    MARKS.set(waits.marks)
    BACKLOG.set(waits.statements)
    settings = context.settings
    context.state.pace.drafts = waits.told
    TOLD_EVERY.set(told_every_s(settings.told_every_s, waits.told, settings.told_a_second))
    OVERDUE.set(waits.overdue_s)


def jobs(pricing_workers: int) -> list[Job[StatementsContext]]:
    return [
        Job("open_periods", SELDOM_S, open_periods, soon_s=SOON_S),
        Job("ask_beforehand", SELDOM_S, ask_beforehand, soon_s=SOON_S),
        Job("price", SELDOM_S, price, workers=pricing_workers, follows_clock=False, soon_s=SOON_S),
        Job("close", SELDOM_S, close),
        Job("lapse", SELDOM_S, lapse),
        Job("keep_house", HOUSEKEEPING_EVERY_S, keep_house, follows_clock=False),
    ]
