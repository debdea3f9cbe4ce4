"""Schedules of metering. Safe in any number of workers and replicas."""

from services.rating.metering.backfill.usecases import backfill_step
from shared.service import Context, Job

BACKFILL_EVERY_S = 0.5


async def backfill(context: Context) -> None:
    """Bring every meter that is behind up to date."""
    settings = context.settings
    while True:
        async with context.db.transaction() as uow:
            stepped = await backfill_step(uow, context.clock.now(), events_max=settings.backfill_events_max, groups_max=settings.groups_max)
        if not stepped:
            return


JOBS = (Job("backfill", BACKFILL_EVERY_S, backfill),)
