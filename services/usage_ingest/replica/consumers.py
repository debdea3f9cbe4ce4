"""Subscriptions to the catalogue: snapshots, of which the newest of each key is kept."""

from services.usage_ingest.replica import usecases
from services.usage_ingest.replica.memory import ReplicaContext
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.rating import CATALOGUE_METERS, CUSTOMERS, CustomerMessage, MeterMessage


async def hear_meters(batch: Batch[MeterMessage], uow: UnitOfWork, _context: ReplicaContext) -> BatchCounts:
    return await usecases.hear_meters(batch, uow)


async def hear_customers(
    batch: Batch[CustomerMessage], uow: UnitOfWork, _context: ReplicaContext
) -> BatchCounts:
    return await usecases.hear_customers(batch, uow)


SUBSCRIPTIONS = (Subscribe(CATALOGUE_METERS, hear_meters), Subscribe(CUSTOMERS, hear_customers))
