"""The barrier: when it returns, everything that was acknowledged before it was asked is metered and fanned
out.

It must be asked only for periods that are due when it starts. It holds nothing and leaves nothing behind:
whoever dies behind it asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.price import fan_out
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import USAGE_EVENTS, USAGE_RAW

POLL_S = 0.01
INGEST, RATING = "usage_ingest", "rating"
Waiting = Callable[[], Awaitable[None]]


async def pass_barrier(context: StatementsContext, waiting: Waiting) -> None:
    """Return when all usage acknowledged before the call can be seen by a new snapshot. `waiting` is called
    between looks.

    1. ingest has passed the heads of usage.raw; 2. the heads H of usage.events are read: everything
       acknowledged lies below;
    3. rating has passed H on every partition, and no mark from before that moment is left.
    """
    await _wait_for(context, INGEST, USAGE_RAW.name, await context.bus.heads(USAGE_RAW.name), waiting)
    await _wait_for(context, RATING, USAGE_EVENTS.name, await context.bus.heads(USAGE_EVENTS.name), waiting)
    moment = await database_time(context.db)
    while await _has_mark_before(context.db, moment):
        async with context.db.transaction() as uow:
            taken = await fan_out(uow, context.settings.marks_max)
        if not taken:
            await waiting()
            await asyncio.sleep(POLL_S)


async def database_time(db: Database) -> datetime:
    """The machine clock of the database, which stamps marks, requests and outbox rows."""
    return await StatementRepository(db.pool).database_time()


async def _wait_for(
    context: StatementsContext, group: str, topic: str, heads: Mapping[int, int], waiting: Waiting
) -> None:
    while not await _has_passed(context, group, topic, heads):
        await waiting()
        await asyncio.sleep(POLL_S)


async def _has_passed(context: StatementsContext, group: str, topic: str, heads: Mapping[int, int]) -> bool:
    if not any(heads.values()):
        return True
    positions = await context.bus.positions(group, topic)
    return all(positions.get(partition, 0) >= head for partition, head in heads.items())


async def _has_mark_before(db: Database, moment: datetime) -> bool:
    async with db.transaction() as uow:
        return await StatementRepository(uow.connection).has_mark_before(moment)
