"""Schedules of suspense. Safe in any number of workers and replicas."""

from services.rating.context import RatingContext
from services.rating.disposition.usecases.look_at_candidates import begin_look, end_look
from shared.runtime.jobs import Job

LOOK_EVERY_S = 10.0


async def look_at_candidates(context: RatingContext) -> None:
    """Remove the candidates of which nothing waits, of those that nobody has looked at of late."""
    while True:
        async with context.db.transaction() as uow:
            look = await begin_look(uow)
        if look is None:
            return
        async with context.db.transaction() as uow:
            await end_look(uow, look)


JOBS = (Job("look_at_candidates", LOOK_EVERY_S, look_at_candidates, follows_clock=False),)
