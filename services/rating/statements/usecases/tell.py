"""Tell what the statements of some customers come to now, for who is about to judge these customers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.fan_out import fan_out_all
from services.rating.statements.usecases.pass_barrier import database_time
from services.rating.statements.usecases.price_shown import price_at_once

POLL_S = 0.01


async def tell_statements_of(context: StatementsContext, customer_ids: Sequence[str]) -> int:
    """Price the open statements of these customers that are asked for, and return when they are on the bus: how
    many waited for it."""
    await fan_out_all(context, waits=True)
    async with context.db.transaction() as uow:
        names = await RequestRepository(uow.connection).waiting_of(customer_ids)
    await price_at_once(context, names)
    moment = await database_time(context.db)
    while await _on_its_way(context, moment):
        await asyncio.sleep(POLL_S)
    return len(names)


async def _on_its_way(context: StatementsContext, moment: datetime) -> bool:
    async with context.db.transaction() as uow:
        return await StatementRepository(uow.connection).on_its_way(moment)
