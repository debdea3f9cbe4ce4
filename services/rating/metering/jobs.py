"""Schedules of metering. Safe in any number of workers and replicas."""

import asyncio
from time import perf_counter

from prometheus_client import Gauge

from services.rating.metering.backfill.usecases import backfill_runs, backfill_step
from services.rating.metering.fold.usecases import roll_up as rolling
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import fold_share, folding
from services.rating.metering.fold.usecases.move_old_book import move_old_book_step, old_book_left
from services.rating.metering.fold.usecases.pass_fold import waited_s
from services.rating.metering.memory import MeteringContext
from services.rating.metering.naming.usecases import count_ahead, recount_step
from services.rating.metering.upkeep.usecases import (
    add_months,
    drop_replaced_items,
    replaced_items_left,
    report_lonely_voids,
)
from shared.runtime.clock import machine_now
from shared.runtime.jobs import Job

OLD_BOOK_EVERY_S, OLD_ROWS_MAX = 10.0, 5000
#: An event waits so long for a fold, and so long while usage is metered late; a process that is
#: not woken looks so often.
REST_S, REST_LATE_S, LOOK_S = 0.5, 2.0, 0.5
ROLL_UP_EVERY_S, MEASURE_EVERY_S = 5.0, 5.0
SELDOM_S = 5.0
BACKFILL_SOON_S, REPLACED_EVERY_S, MONTHS_EVERY_S, VOIDS_EVERY_S = 0.5, 60.0, 3600.0, 60.0
WAITED = Gauge(
    "u2c_fold_waited_seconds", "For how long the oldest batch that is not folded has waited; 0: none"
)


async def fold(context: MeteringContext) -> None:
    """Fold what waits: at once where nothing was folded of late or more waits than one fold takes, else REST_S after
    the fold before began, so that each carries more; REST_LATE_S while usage is metered late."""
    memory, began = context.state.metering, perf_counter()
    folded = await fold_share(context.db, memory.fold, context.clock.now(), in_turn=True)
    if not folded:
        await memory.fold.wake.wait(LOOK_S)
    elif not folded.more:
        rest_s = REST_LATE_S if memory.late else REST_S
        await asyncio.sleep(max(rest_s - (perf_counter() - began), 0.0))


async def roll_up(context: MeteringContext) -> None:
    """Roll up the days that are over, some subjects at a time."""
    while await rolling.roll_up(context.db, context.state.metering.fold, context.clock.now()):
        pass


async def measure_fold(context: MeteringContext) -> None:
    WAITED.set(await waited_s(context.db))


async def backfill(context: MeteringContext) -> None:
    """Bring every meter that is behind up to date."""
    memory, events_max = context.state.metering.fold, context.settings.backfill_events_max
    async with context.db.transaction() as uow:
        stepped = await backfill_runs(uow)
    while stepped:
        async with folding(context.db, memory) as (uow, claim):
            holding = Holding(memory, claim.rolled_up)
            stepped = await backfill_step(uow, holding, context.clock.now(), events_max=events_max)


async def old_book(context: MeteringContext) -> None:
    """Pack what was added up before there were folds, some subjects at a time."""
    memory = context.state.metering.fold
    async with context.db.transaction() as uow:
        left = await old_book_left(uow, memory)
    while left:
        async with folding(context.db, memory) as (uow, claim):
            left = await move_old_book_step(uow, Holding(memory, claim.rolled_up), rows_max=OLD_ROWS_MAX)


async def recount(context: MeteringContext) -> None:
    """Count again, month by month, what was named after it fell into `other`: most of it before folds are kept
    waiting."""
    memory, events_max = context.state.metering.fold, context.settings.backfill_events_max
    while True:
        async with context.db.transaction(isolation="repeatable_read") as uow:
            ahead = await count_ahead(uow, events_max=events_max)
        if ahead is None:
            return
        async with folding(context.db, memory) as (uow, claim):
            await recount_step(uow, Holding(memory, claim.rolled_up), ahead, events_max=events_max)


async def replaced_items(context: MeteringContext) -> None:
    """Remove what was counted by terms that nobody reads any more."""
    memory = context.state.metering.fold
    async with context.db.transaction() as uow:
        left = await replaced_items_left(uow)
    while left:
        async with folding(context.db, memory) as (uow, _):
            left = await drop_replaced_items(uow)


async def months(context: MeteringContext) -> None:
    async with context.db.transaction() as uow:
        await add_months(uow, machine_now())


async def lonely_voids(context: MeteringContext) -> None:
    async with context.db.transaction() as uow:
        await report_lonely_voids(uow, machine_now(), context.clock.now(), context.settings.void_wait_days)


JOBS = (
    Job("old_book", OLD_BOOK_EVERY_S, old_book, follows_clock=False),
    Job("fold", 0.0, fold, follows_clock=False),
    Job("roll_up", ROLL_UP_EVERY_S, roll_up, follows_clock=False),
    Job("measure_fold", MEASURE_EVERY_S, measure_fold, follows_clock=False),
    Job("backfill", SELDOM_S, backfill, follows_clock=False, soon_s=BACKFILL_SOON_S),
    Job("recount", SELDOM_S, recount, follows_clock=False, soon_s=BACKFILL_SOON_S),
    Job("replaced_items", REPLACED_EVERY_S, replaced_items, follows_clock=False),
    Job("months", MONTHS_EVERY_S, months, follows_clock=False),
    Job("lonely_voids", VOIDS_EVERY_S, lonely_voids),
)
