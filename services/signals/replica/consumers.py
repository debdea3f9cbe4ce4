"""What signals hears. Of a snapshot the newest revision of each key is kept, whole; a fact is told once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from services.signals.evaluation.usecases.enrol import enrol
from services.signals.replica.repository.replica import HeardRepository
from services.signals.replica.usecases.hear_activity import begin_again, hear_activity
from services.signals.replica.usecases.hear_documents import hear_documents
from services.signals.replica.usecases.hear_quarantine import hear_quarantine
from shared.db.unit_of_work import UnitOfWork
from shared.replica.chains import hear_chains
from shared.replica.statement_pages import drop_pages, hear_pages
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.billing import DOCUMENTS
from shared.topics.rating import (
    ACTIVITY,
    CATALOGUE_METERS,
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
    ContractVersionMessage,
    CustomerMessage,
    StatementMessage,
)
from shared.topics.usage_ingest import USAGE_QUARANTINE

Key = Callable[[Any], Any]
Store = Callable[[HeardRepository, Sequence[Any]], Awaitable[int]]


def _keeps_newest(key: Key, store: Store) -> Callable[[Batch[Any], UnitOfWork, Any], Awaitable[BatchCounts]]:
    async def heard(batch: Batch[Any], uow: UnitOfWork, _context: Any) -> BatchCounts:
        applied = await store(HeardRepository(uow.connection), list(_newest(batch.messages, key).values()))
        return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)

    return heard


async def hear_customers(batch: Batch[CustomerMessage], uow: UnitOfWork, context: Any) -> BatchCounts:
    """Keep the newest, and evaluate each new one from its local today on."""
    newest = list(_newest(batch.messages, lambda m: m.customer_id).values())
    heard = HeardRepository(uow.connection)
    zones = await heard.timezones([m.customer_id for m in newest])
    applied = await heard.store_customers(newest)
    await begin_again(
        uow, [m.customer_id for m in newest if zones.get(m.customer_id, m.timezone) != m.timezone]
    )
    await enrol(
        uow, [m for m in newest if m.customer_id not in zones], context.clock.now(), context.state["policy"]
    )
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_statements(batch: Batch[StatementMessage], uow: UnitOfWork, _context: Any) -> BatchCounts:
    """Keep the newest of each that is whole. New are the pages kept and the statements replaced by one that
    came whole."""
    heard = HeardRepository(uow.connection)
    fresh = await heard.unheard(batch.messages)
    pages_kept, completed = await hear_pages(uow, [message for message in fresh if message.pages > 1])
    newest = list(
        _newest(
            [*(message for message in fresh if message.pages == 1), *completed],
            lambda m: (m.contract, m.period_start_us),
        ).values()
    )
    await heard.store_statements(newest)
    await drop_pages(uow, newest)
    new = pages_kept + sum(all(statement is not whole for whole in completed) for statement in newest)
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


async def hear_contracts(batch: Batch[ContractVersionMessage], uow: UnitOfWork, context: Any) -> BatchCounts:
    applied = await hear_chains(uow, batch.messages, context.clock.now())
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


def _newest(messages: Sequence[Any], key: Key) -> dict[Any, Any]:
    return {key(message): message for message in sorted(messages, key=lambda message: message.revision)}


SUBSCRIPTIONS = (
    Subscribe(CUSTOMERS, hear_customers),
    Subscribe(CATALOGUE_METERS, _keeps_newest(lambda m: m.meter, HeardRepository.store_meters)),
    Subscribe(CONTRACTS, hear_contracts),
    Subscribe(STATEMENTS, hear_statements),
    Subscribe(ACTIVITY, hear_activity),
    Subscribe(DOCUMENTS, hear_documents),
    Subscribe(USAGE_QUARANTINE, hear_quarantine),
)
