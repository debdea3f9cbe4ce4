"""What signals hears. Every message is a snapshot: the newest revision of each key is kept, whole."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from services.signals.repository import SignalsRepository
from shared.consumer import Batch, BatchCounts, Subscribe
from shared.db import UnitOfWork
from shared.topics.rating import ACTIVITY, CONTRACTS, CUSTOMERS, STATEMENTS

Key = Callable[[Any], Any]
Store = Callable[[SignalsRepository, Sequence[Any]], Awaitable[int]]


def _keeps_newest(key: Key, store: Store) -> Callable[[Batch[Any], UnitOfWork, Any], Awaitable[BatchCounts]]:
    async def heard(batch: Batch[Any], uow: UnitOfWork, _context: Any) -> BatchCounts:
        newest: dict[Any, Any] = {}
        for message in batch.messages:
            known = newest.get(key(message))
            if known is None or known.revision <= message.revision:
                newest[key(message)] = message
        applied = await store(SignalsRepository(uow.connection), list(newest.values()))
        return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)

    return heard


SUBSCRIPTIONS = (
    Subscribe(CUSTOMERS, _keeps_newest(lambda m: m.customer_id, SignalsRepository.store_customers)),
    Subscribe(CONTRACTS, _keeps_newest(lambda m: m.contract, SignalsRepository.store_contracts)),
    Subscribe(STATEMENTS, _keeps_newest(lambda m: (m.contract, m.period_start_us), SignalsRepository.store_statements)),
    Subscribe(ACTIVITY, _keeps_newest(lambda m: (m.subject, m.meter, m.day), SignalsRepository.store_activity)),
)
