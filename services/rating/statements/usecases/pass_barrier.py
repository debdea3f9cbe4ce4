"""The barrier: when it returns, everything that was acknowledged before it was asked is metered, folded and
fanned out.

It must be asked only for periods that are due when it starts. It holds nothing and leaves nothing behind:
whoever dies behind it asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.rating.metering.fold.usecases.pass_fold import pass_fold
from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.usecases.fan_out import fan_out
from shared.bus.waiting import until_heard
from shared.db.published import database_time
from shared.db.unit_of_work import Database
from shared.topics.graph import GRAPH

POLL_S = 0.01
METERED = GRAPH.way_to("rating")
Waiting = Callable[[], Awaitable[None]]


async def pass_barrier(context: StatementsContext, waiting: Waiting) -> None:
    """Return when all usage acknowledged before the call can be seen by a new snapshot. `waiting` is called
    between looks.

    1. each service on the way to rating has passed the heads of what it hears, read once the one before it had:
       ingest those of usage.raw, rating those of usage.events, below which everything acknowledged lies then;
    2. the fold has passed the last batch of each partition then: marks are its;
    3. no mark from before that moment is left.
    """

    async def pause() -> None:
        await waiting()
        await asyncio.sleep(POLL_S)

    await until_heard(context.bus, METERED, pause)
    await pass_fold(context.db, context.state.metering.fold, context.clock.now())
    moment = await database_time(context.db)
    while await _has_mark_before(context.db, moment):
        if not await fan_out(context):
            await pause()


async def _has_mark_before(db: Database, moment: datetime) -> bool:
    async with db.transaction() as uow:
        return await RequestRepository(uow.connection).has_mark_before(moment)
