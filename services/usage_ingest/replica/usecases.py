"""Hear: keep the newest of what rating says of meters and customers, and read it into memory."""

from services.usage_ingest.replica.memory import Replica
from services.usage_ingest.replica.repository import ReplicaRepository
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import CustomerMessage, MeterMessage


async def hear_meters(batch: Batch[MeterMessage], uow: UnitOfWork) -> BatchCounts:
    """Keep the newest revision of each meter."""
    newest = {
        message.meter: message for message in sorted(batch.messages, key=lambda message: message.revision)
    }
    applied = await ReplicaRepository(uow.connection).store_meters(list(newest.values()))
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_customers(batch: Batch[CustomerMessage], uow: UnitOfWork) -> BatchCounts:
    """Keep the newest revision of each customer."""
    newest = {
        message.customer_id: message
        for message in sorted(batch.messages, key=lambda message: message.revision)
    }
    applied = await ReplicaRepository(uow.connection).store_customers(list(newest.values()))
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def read_catalogue(uow: UnitOfWork, replica: Replica) -> None:
    """Read what was kept since the last look into memory."""
    repository = ReplicaRepository(uow.connection)
    next_since = await repository.oldest_running()
    replica.catalogue.hear_meters(await repository.meters_since(replica.since))
    replica.catalogue.hear_customers(await repository.customers_since(replica.since))
    replica.since = next_since
