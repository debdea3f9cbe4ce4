"""Hear how balances of blocks changed, and post it."""

from services.billing.blocks.domain.posting import entry_of
from services.billing.journal.usecases import post_once
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import BlockRowMessage


async def hear_block_rows(batch: Batch[BlockRowMessage], uow: UnitOfWork, zone: str) -> BatchCounts:
    """Post each row that posts anything, once. `zone`: where the legal entities have their days. New are those that
    were posted here; what posts nothing is no news."""
    entries = [entry for row in batch.messages if (entry := entry_of(row, zone)) is not None]
    new = await post_once(uow, entries)
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)
