"""Subscription to the service's own usage.quarantine: the door publishes, this stores, so the door needs no
database."""

from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.quarantine.usecases.keep import keep
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.usage_ingest import USAGE_QUARANTINE, QuarantineMessage

RECORDS_MAX = 200  # each may be half a megabyte


async def store_quarantined(
    batch: Batch[QuarantineMessage], uow: UnitOfWork, _context: DoorContext
) -> BatchCounts:
    stored = await keep(uow, batch.messages)
    return BatchCounts(new=stored, duplicate=len(batch.messages) - stored)


SUBSCRIPTIONS = (Subscribe(USAGE_QUARANTINE, store_quarantined, RECORDS_MAX),)
