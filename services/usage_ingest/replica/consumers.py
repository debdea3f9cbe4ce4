"""Subscriptions to the catalogue: snapshots, of which the newest of each key is kept."""

from typing import Any

from services.usage_ingest.replica.repository import HeardRepository
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer.runner import Batch, BatchCounts, Subscribe
from shared.topics.rating import CATALOGUE_METERS, CUSTOMERS, CustomerMessage, MeterMessage


async def hear_meters(batch: Batch[MeterMessage], uow: UnitOfWork, _context: Any) -> BatchCounts:
    newest = {
        message.meter: message for message in sorted(batch.messages, key=lambda message: message.revision)
    }
    applied = await HeardRepository(uow.connection).store_meters(list(newest.values()))
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_customers(batch: Batch[CustomerMessage], uow: UnitOfWork, _context: Any) -> BatchCounts:
    newest = {
        message.customer_id: message
        for message in sorted(batch.messages, key=lambda message: message.revision)
    }
    applied = await HeardRepository(uow.connection).store_customers(list(newest.values()))
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


SUBSCRIPTIONS = (Subscribe(CATALOGUE_METERS, hear_meters), Subscribe(CUSTOMERS, hear_customers))
