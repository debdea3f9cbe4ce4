"""Let blocks lapse whose time is over by the business clock, also where no period closes any more."""

from services.rating.blocks.usecases.lapse import LAPSING_MAX, lapse
from services.rating.statements.memory import StatementsContext
from services.rating.statements.usecases.price import in_one_snapshot
from shared.db.unit_of_work import UnitOfWork


async def lapse_due(context: StatementsContext) -> int:
    """End some of them; return how many. Whoever draws on one meanwhile is the first, and this is tried again."""
    now = context.clock.now()

    async def once(uow: UnitOfWork) -> int:
        return await lapse(uow, now, limit=LAPSING_MAX)

    return await in_one_snapshot(context.db, once)
