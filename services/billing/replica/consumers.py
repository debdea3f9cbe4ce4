"""What billing subscribes to."""

from services.billing.context import BillingContext
from services.billing.replica import usecases
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.rating import (
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
    ContractVersionMessage,
    CustomerMessage,
    StatementMessage,
)

#: A statement may have hundreds of lines.
STATEMENTS_MAX = 1000


async def hear_statements(
    batch: Batch[StatementMessage], uow: UnitOfWork, context: BillingContext
) -> BatchCounts:
    return await usecases.hear_statements(batch, uow, context.clock.now())


async def hear_customers(
    batch: Batch[CustomerMessage], uow: UnitOfWork, _context: BillingContext
) -> BatchCounts:
    return await usecases.hear_customers(batch, uow)


async def hear_contracts(
    batch: Batch[ContractVersionMessage], uow: UnitOfWork, context: BillingContext
) -> BatchCounts:
    return await usecases.hear_contracts(batch, uow, context.clock.now())


SUBSCRIPTIONS = (
    Subscribe(STATEMENTS, hear_statements, records_max=STATEMENTS_MAX),
    Subscribe(CUSTOMERS, hear_customers),
    Subscribe(CONTRACTS, hear_contracts),
)
