"""What signals hears. Of a snapshot the newest revision of each key is kept, whole; a fact is told once."""

from services.signals.context import SignalsContext
from services.signals.replica.usecases import hear_snapshots as usecases
from services.signals.replica.usecases.hear_activity import hear_active_hours, hear_activity
from services.signals.replica.usecases.hear_documents import hear_documents
from services.signals.replica.usecases.hear_quarantine import hear_quarantine
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.billing import DOCUMENTS
from shared.topics.rating import (
    ACTIVE_HOURS,
    ACTIVITY,
    CATALOGUE_METERS,
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
    ContractVersionMessage,
    CustomerMessage,
    MeterMessage,
    StatementMessage,
)
from shared.topics.usage_ingest import USAGE_QUARANTINE


async def hear_customers(
    batch: Batch[CustomerMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    return await usecases.hear_customers(batch, uow, context.clock.now(), context.state.policy)


async def hear_meters(batch: Batch[MeterMessage], uow: UnitOfWork, _context: SignalsContext) -> BatchCounts:
    return await usecases.hear_meters(batch, uow)


async def hear_contracts(
    batch: Batch[ContractVersionMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    return await usecases.hear_contracts(batch, uow, context.clock.now())


async def hear_statements(
    batch: Batch[StatementMessage], uow: UnitOfWork, _context: SignalsContext
) -> BatchCounts:
    return await usecases.hear_statements(batch, uow)


#: Of some hundred hours each.
PARTS_AT_ONCE = 40

SUBSCRIPTIONS = (
    Subscribe(CUSTOMERS, hear_customers),
    Subscribe(CATALOGUE_METERS, hear_meters),
    Subscribe(CONTRACTS, hear_contracts),
    Subscribe(STATEMENTS, hear_statements),
    Subscribe(ACTIVITY, hear_activity),
    Subscribe(ACTIVE_HOURS, hear_active_hours, records_max=PARTS_AT_ONCE),
    Subscribe(DOCUMENTS, hear_documents),
    Subscribe(USAGE_QUARANTINE, hear_quarantine),
)
