"""Tell what the statements of some customers come to now, for who is about to judge these customers."""

from collections.abc import Sequence

from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.usecases.fan_out import fan_out_all
from services.rating.statements.usecases.price_shown import price_at_once
from shared.db.published import until_published
from shared.topics.rating import STATEMENTS


async def tell_statements_of(context: StatementsContext, customer_ids: Sequence[str]) -> int:
    """Price the open statements of these customers that are asked for; return once they are on the bus how many
    that were. What is not folded is not in them: who wants it has activity told first, which folds."""
    await fan_out_all(context, waits=True)
    async with context.db.transaction() as uow:
        names = await RequestRepository(uow.connection).waiting_of(customer_ids)
    await price_at_once(context, names)
    await until_published(context.db, STATEMENTS.name)
    return len(names)
