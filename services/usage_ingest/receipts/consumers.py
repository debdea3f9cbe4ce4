"""Subscription to the service's own usage.receipts."""

from services.usage_ingest.context import IngestContext
from services.usage_ingest.receipts import usecases
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.usage_ingest import USAGE_RECEIPTS, ReceiptMessage


async def store_receipts(
    batch: Batch[ReceiptMessage], uow: UnitOfWork, _context: IngestContext
) -> BatchCounts:
    stored = await usecases.keep(uow, batch.messages)
    return BatchCounts(new=stored, duplicate=len(batch.messages) - stored)


SUBSCRIPTIONS = (Subscribe(USAGE_RECEIPTS, store_receipts),)
