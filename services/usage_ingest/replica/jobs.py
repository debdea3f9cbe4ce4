"""Keeps the catalogue in memory close behind the tables, in every replica: only one of them consumes a
partition, all of them judge events."""

from services.usage_ingest.replica.memory import ReplicaContext
from services.usage_ingest.replica.usecases import read_catalogue
from shared.runtime.jobs import Job

REFRESH_S, SOON_S = 2.0, 0.1


async def refresh(context: ReplicaContext) -> None:
    """Read what was heard since the last look."""
    async with context.db.transaction() as uow:
        await read_catalogue(uow, context.state.replica)


JOBS = (Job("catalogue", REFRESH_S, refresh, soon_s=SOON_S),)
