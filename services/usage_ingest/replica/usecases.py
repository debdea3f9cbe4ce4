"""Hear: keep the newest of what rating says of meters and customers, and read it into memory."""

from services.usage_ingest.replica.memory import Heard
from services.usage_ingest.replica.repository import HeardRepository
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import CustomerMessage, MeterMessage


async def hear_meters(batch: Batch[MeterMessage], uow: UnitOfWork) -> BatchCounts:
    """Keep the newest revision of each meter."""
    newest = {
        message.meter: message for message in sorted(batch.messages, key=lambda message: message.revision)
    }
    applied = await HeardRepository(uow.connection).store_meters(list(newest.values()))
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_customers(batch: Batch[CustomerMessage], uow: UnitOfWork) -> BatchCounts:
    """Keep the newest revision of each customer."""
    newest = {
        message.customer_id: message
        for message in sorted(batch.messages, key=lambda message: message.revision)
    }
    applied = await HeardRepository(uow.connection).store_customers(list(newest.values()))
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def read_catalogue(uow: UnitOfWork, heard: Heard) -> None:
    """Read what was kept since the last look into memory."""
    repository = HeardRepository(uow.connection)
    next_since = await repository.oldest_running()
    heard.catalogue.hear_meters(await repository.meters_since(heard.since))
    heard.catalogue.hear_customers(await repository.customers_since(heard.since))
    heard.since = next_since
