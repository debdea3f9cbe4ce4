"""Schedules of metering. Safe in any number of workers and replicas."""

import asyncio
from time import perf_counter

from services.rating.metering.activity.usecases import tell_activity
from services.rating.metering.backfill.usecases import backfill_step
from services.rating.metering.memory import MeteringContext
from services.rating.metering.naming.usecases import recount_step
from services.rating.metering.upkeep.usecases import add_months, report_lonely_voids
from shared.runtime.clock import machine_now
from shared.runtime.jobs import Job

#: So late usage is metered when it comes before activity.
BEHIND_S = 5.0
REST_MAX_S = 10.0
PAUSE_MAX_S = 1.0
SELDOM_S = 5.0
BACKFILL_SOON_S, ACTIVITY_SOON_S, MONTHS_EVERY_S, VOIDS_EVERY_S = 0.5, 1.5, 3600.0, 60.0


async def backfill(context: MeteringContext) -> None:
    """Bring every meter that is behind up to date."""
    settings = context.settings
    while True:
        async with context.db.transaction() as uow:
            stepped = await backfill_step(
                uow,
                context.clock.now(),
                events_max=settings.backfill_events_max,
                groups_max=settings.groups_max,
            )
        if not stepped:
            return


async def recount(context: MeteringContext) -> None:
    """Count again, month by month, what was named after it fell into `other`."""
    while True:
        async with context.db.transaction() as uow:
            if not await recount_step(uow, events_max=context.settings.backfill_events_max):
                return


async def activity(context: MeteringContext) -> None:
    """Tell all that was touched, one share after the other, and rest as long as that took, a second at most:
    a day is read anew each time it is told. While usage waits for seconds to be metered, one share, then a
    rest as long.
    """
    memory, share, began = context.state.metering, context.settings.activity_max, perf_counter()
    while await tell_activity(context.db, share) == share:
        if memory.behind_s >= BEHIND_S:
            await memory.wait_while_late(BEHIND_S, min(memory.behind_s, REST_MAX_S))
            return
    await asyncio.sleep(min(perf_counter() - began, PAUSE_MAX_S))


async def months(context: MeteringContext) -> None:
    async with context.db.transaction() as uow:
        await add_months(uow, machine_now())


async def lonely_voids(context: MeteringContext) -> None:
    async with context.db.transaction() as uow:
        await report_lonely_voids(uow, machine_now(), context.clock.now(), context.settings.void_wait_days)


JOBS = (
    Job("backfill", SELDOM_S, backfill, follows_clock=False, soon_s=BACKFILL_SOON_S),
    Job("recount", SELDOM_S, recount, follows_clock=False, soon_s=BACKFILL_SOON_S),
    Job("activity", SELDOM_S, activity, follows_clock=False, soon_s=ACTIVITY_SOON_S),
    Job("months", MONTHS_EVERY_S, months, follows_clock=False),
    Job("lonely_voids", VOIDS_EVERY_S, lonely_voids),
)
