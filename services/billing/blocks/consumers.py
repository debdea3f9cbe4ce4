"""What billing subscribes to of blocks."""

from services.billing.blocks import usecases
from services.billing.context import BillingContext
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.rating import BLOCK_ROWS, BlockRowMessage


async def hear_block_rows(
    batch: Batch[BlockRowMessage], uow: UnitOfWork, context: BillingContext
) -> BatchCounts:
    return await usecases.hear_block_rows(batch, uow, context.settings.entity_timezone)


SUBSCRIPTIONS = (Subscribe(BLOCK_ROWS, hear_block_rows),)
