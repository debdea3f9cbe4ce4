"""Whether what a service told is on the bus."""

import asyncio
from datetime import datetime

from shared.db.unit_of_work import Database

POLL_S = 0.01


async def database_time(db: Database) -> datetime:
    """The machine clock of the database, which stamps marks, requests and outbox rows."""
    moment: datetime = await db.pool.fetchval("select clock_timestamp()")
    return moment


async def waits_for_bus(db: Database, told_by: datetime, topic: str | None = None) -> bool:
    """Whether something that was told by a moment, of this topic or of any, is not on the bus yet."""
    waits: bool = await db.pool.fetchval(
        f"""select exists (select from {db.schema}.outbox
            where created_at <= $1 and ($2::text is null or topic = $2))""",
        told_by,
        topic,
    )
    return waits


async def until_published(db: Database, topic: str) -> None:
    """Return when everything of this topic that was told before the call is on the bus."""
    told_by = await database_time(db)
    while await waits_for_bus(db, told_by, topic):
        await asyncio.sleep(POLL_S)
