"""Tell facts, each once, with its sequence number, and queue them for the endpoints that asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.signals.domain.fact import Fact
from services.signals.facts.repository import FactRepository
from services.signals.facts.rows import StoredFact
from services.signals.webhooks.usecases.queue_deliveries import queue_deliveries
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import to_us
from shared.topics.signals import SIGNALS, SignalMessage


@dataclass(frozen=True, slots=True)
class Told:
    """A fact about somebody: `customer_id` is "" and `customer` the subject where usage names no customer."""

    customer_id: str
    customer: str
    occurred_at: datetime  # business clock
    fact: Fact


async def tell(uow: UnitOfWork, told: Sequence[Told], now: datetime) -> list[StoredFact]:
    """Store what is new, in one order per customer, put it on signals.signals and queue its deliveries;
    return it."""
    if not told:
        return []
    facts = FactRepository(uow.connection)
    await facts.lock_sequences(sorted({one.customer for one in told}))
    known = await facts.known([one.fact.signal_id for one in told])
    fresh = list(
        {one.fact.signal_id: one for one in reversed(told) if one.fact.signal_id not in known}.values()
    )[::-1]
    if not fresh:
        return []
    fresh.sort(key=lambda one: (one.customer, one.occurred_at))
    behind = Counter(one.customer for one in fresh)
    last, stored = await facts.take_sequences(behind), []
    for one in fresh:
        behind[one.customer] -= 1
        stored.append(_stored(one, last[one.customer] - behind[one.customer]))
    await facts.store(stored)
    await queue_deliveries(uow, stored, now)
    for fact in stored:
        uow.tell(
            SIGNALS,
            SignalMessage(
                fact.signal_id,
                fact.type,
                fact.customer_id,
                fact.customer,
                to_us(fact.occurred_at),
                dict(fact.data),
                fact.contract,
            ),
        )
    return stored


def _stored(one: Told, sequence: int) -> StoredFact:
    fact = one.fact
    return StoredFact(
        fact.signal_id,
        fact.type,
        one.customer_id,
        one.customer,
        fact.contract,
        fact.day,
        one.occurred_at,
        sequence,
        fact.data,
    )
