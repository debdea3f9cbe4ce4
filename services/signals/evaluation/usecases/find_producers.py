"""Find producers that have fallen silent: told once, to the engineer, and held against none of the customers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.signals.domain.customer_day import Customer, Meter
from services.signals.domain.event_types import METER_SILENT
from services.signals.domain.fact import Fact
from services.signals.domain.local_day import due_at
from services.signals.domain.policy import Policy
from services.signals.domain.producer import ProducerSilence, UseDays, silent_producer
from services.signals.domain.steps.silence import silent_event_types
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.facts.repository import FactRepository
from services.signals.facts.usecases.tell import Told, tell
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.turns import in_turns

PRODUCER = "producer"
TypeDay = tuple[str, date]


@dataclass(frozen=True, slots=True)
class SeenSilence:
    """A producer's silence and when it was seen: as the day began for a customer with a meter in an outage by it, of several
    the last. As of then the roster shows that customer silent."""

    silence: ProducerSilence
    at: datetime


class Producers:
    """What is known of producers in one run of the evaluation: who used an event type is read once, when the first of
    its customers is silent."""

    def __init__(self) -> None:
        self._uses: dict[str, UseDays] = {}
        self._found: dict[TypeDay, ProducerSilence | None] = {}

    async def silent(
        self,
        uow: UnitOfWork,
        customers: Sequence[Customer],
        days: Mapping[str, Sequence[date]],
        policy: Policy,
    ) -> dict[TypeDay, SeenSilence]:
        """Event type and day → its producer's silence, of those of which a customer is silent on the day."""
        asked = await _seen_at(customers, days, policy)
        unread = sorted({event_type for event_type, _ in asked} - self._uses.keys())
        if unread:
            self._uses |= await EvaluationRepository(uow.connection).use_days(unread)
        heartbeats = _heartbeats(customers[0].meters if customers else {})
        for event_type, day in asked.keys() - self._found.keys():
            # it looks at all customers of the type: by another thread, so that whoever waits is answered meanwhile
            self._found[event_type, day] = await asyncio.to_thread(
                silent_producer, self._uses[event_type], day, policy.producer, heartbeats.get(event_type)
            )
        return {
            key: SeenSilence(found, at)
            for key, at in sorted(asked.items())
            if (found := self._found[key]) is not None
        }


async def _seen_at(
    customers: Sequence[Customer], days: Mapping[str, Sequence[date]], policy: Policy
) -> dict[TypeDay, datetime]:
    """Event type and day → when the day began for the last of these customers who is silent on it."""
    found: dict[TypeDay, datetime] = {}
    async for customer in in_turns(customers):
        for day in days[customer.customer_id]:
            for event_type in silent_event_types(customer, day, policy.silence):
                began = due_at(day, customer.timezone, 0)
                found[event_type, day] = max(began, found.get((event_type, day), began))
    return found


async def tell_of_producers(
    uow: UnitOfWork,
    silent: Mapping[TypeDay, SeenSilence],
    catalogue: Mapping[str, Meter],
    policy: Policy,
    now: datetime,
) -> None:
    """One fact a silence, on the first day it is seen: one whose last day is a few days off one that was told is the
    same, of which some have spoken again."""
    facts, meters = FactRepository(uow.connection), _by_event_type(catalogue)
    for (event_type, day), seen in silent.items():
        found = seen.silence
        await facts.lock_sequences([event_type])
        if await facts.is_producer_told(event_type, found.last_seen_on, policy.producer.within_days):
            continue
        last = found.last_seen_on
        data = {
            "event_type": event_type,
            "meters": meters.get(event_type, []),
            "last_seen_on": last.isoformat(),
            "silent_days": (day - last).days - 1,
            "customers": len(found.customers),
            "of_customers": found.used,
            "excused_until": policy.producer.excused_until(last).isoformat(),
        }
        fact = Fact(METER_SILENT, (PRODUCER, event_type, last.isoformat()), day, data)
        await tell(uow, [Told("", event_type, seen.at, fact)], now)


def _by_event_type(catalogue: Mapping[str, Meter]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for meter, one in sorted(catalogue.items()):
        found.setdefault(one.event_type, []).append(meter)
    return found


def _heartbeats(catalogue: Mapping[str, Meter]) -> dict[str, int]:
    """Event type → the shortest heartbeat that a meter of it declares."""
    found: dict[str, int] = {}
    for one in catalogue.values():
        if one.heartbeat_s:
            found[one.event_type] = min(one.heartbeat_s, found.get(one.event_type, one.heartbeat_s))
    return found
