"""Evaluate the customers that are due, each day by itself, over the days before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from services.signals.domain.customer_day import Contract, Customer, Engagement, Found, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.local_day import due_at, local_day
from services.signals.domain.policy import Policy
from services.signals.domain.renewal_model import RenewalModel
from services.signals.domain.rollup import Rollup
from services.signals.domain.shown import shown_object
from services.signals.domain.stake import Stake
from services.signals.domain.state import CustomerState
from services.signals.evaluation.repository import STATEMENT_DAYS, EvaluationRepository
from services.signals.evaluation.rows import CustomerStateRow, Due, KeptStanding, NextDue
from services.signals.evaluation.usecases.find_producers import (
    Producers,
    SeenSilence,
    TypeDay,
    tell_of_producers,
)
from services.signals.evaluation.usecases.hold_unreadable import hold, read_contracts, read_states, release
from services.signals.facts.usecases.tell import Told, tell
from services.signals.renewals.repository import RenewalRepository
from services.signals.renewals.usecases.note_ended import note_ended
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.repository.settled import SettledRepository
from services.signals.roster.repository import RosterRepository
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.language.activation import TeamMilestone
from shared.runtime.clock import machine_now
from shared.runtime.turns import in_turns

#: Days of one customer in one transaction, when the clock has jumped; and of all customers until what they come to is written.
DAYS_AT_ONCE, DAYS_A_STEP = 40, 1000
_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class _Read:
    """What could be read of the customers: the state that the day before left, and their contracts."""

    states: Mapping[str, CustomerState | None]
    contracts: Mapping[str, Sequence[Contract]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Until when, by which policy, and what is known of producers in this run."""

    until: datetime
    policy: Policy
    producers: Producers


@dataclass(frozen=True, slots=True)
class _ByDay:
    """What is read of the customers for each day: day → customer id → what was known as the day began; and what was learned
    from outcomes."""

    model: RenewalModel | None
    engagements: Mapping[date, Mapping[str, Engagement]]
    stakes: Mapping[date, Mapping[str, Stake | None]]
    silent: Mapping[TypeDay, SeenSilence]

    def producers_of(self, customer_id: str, day: date) -> dict[str, date]:
        """Event type → the last day its producer was seen, of those that are silent for this customer."""
        return {
            event_type: seen.silence.last_seen_on
            for (event_type, on), seen in self.silent.items()
            if on == day and customer_id in seen.silence.customers
        }


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """The days of one customer that were evaluated, the state that the last one left, and the day that is
    next."""

    customer: Customer
    days: Sequence[tuple[date, Found]]
    state: CustomerState
    next_on: date


async def next_due(uow: UnitOfWork) -> NextDue:
    """When the customer that waits longest is due: of all, and of those that are not held."""
    return await EvaluationRepository(uow.connection).next_due(machine_now())


async def due_customers(uow: UnitOfWork, until: datetime) -> list[str]:
    """The ids of the customers whose days are due by `until`, and not held."""
    return await EvaluationRepository(uow.connection).due_customers(until, machine_now())


async def evaluate_due(
    uow: UnitOfWork, until: datetime, policy: Policy, customers_max: int, producers: Producers | None = None
) -> int:
    """Evaluate up to `customers_max` customers whose days are due by `until`; return how many were found.

    A customer of whom a contract or the state cannot be read is held, with an exception that names it; the others
    go on. `producers`: what is known of them already in this run.
    """
    evaluations = EvaluationRepository(uow.connection)
    claimed = await evaluations.claim(until, machine_now(), customers_max)
    if not claimed:
        return 0
    states, of_states = read_states(claimed)
    contracts, of_contracts = await read_contracts(await evaluations.contracts(*_contracts_of(claimed)))
    held = await hold(uow, [*of_states, *of_contracts], until)
    due = [one for one in claimed if one.customer_id not in held]
    await release(uow, [one for one in due if one.was_held], contracts, until)
    await _evaluate(uow, due, _Read(states, contracts), _Asked(until, policy, producers or Producers()))
    return len(claimed)


def _contracts_of(due: Sequence[Due]) -> tuple[list[str], datetime]:
    """Whose contracts are asked for, and since when their statements."""
    oldest = min(due_at(one.next_on, one.timezone, 0) for one in due)
    return [one.customer_id for one in due], oldest - timedelta(days=STATEMENT_DAYS)


async def _evaluate(uow: UnitOfWork, due: Sequence[Due], read: _Read, asked: _Asked) -> None:
    until, policy = asked.until, asked.policy
    meters = await EvaluationRepository(uow.connection).meters()
    customers = await _customers(uow, due, meters, read.contracts)
    days = {one.customer_id: _due_days(one, until, policy) for one in due}
    silent = await asked.producers.silent(uow, customers, days, policy)
    by_day = await _by_day(uow, customers, days, policy, silent)
    for step in _steps(list(zip(due, customers, strict=True)), days):
        evaluated = [
            _evaluated(
                customer,
                one,
                days[one.customer_id],
                read.states[one.customer_id] or CustomerState(known_on=one.next_on),
                by_day,
                policy,
            )
            async for one, customer in in_turns(step)
        ]
        await _save(uow, evaluated, policy)
        await _tell(uow, evaluated, until)
    await tell_of_producers(uow, silent, meters, policy, until)


def _steps(
    of: Sequence[tuple[Due, Customer]], days: Mapping[str, Sequence[date]]
) -> Iterator[Sequence[tuple[Due, Customer]]]:
    """Customers, as many at once as have DAYS_A_STEP days between them; at least one."""
    step, count = list[tuple[Due, Customer]](), 0
    for one, customer in of:
        if step and count + len(days[one.customer_id]) > DAYS_A_STEP:
            yield step
            step, count = [], 0
        step.append((one, customer))
        count += len(days[one.customer_id])
    yield step


async def _customers(
    uow: UnitOfWork,
    due: Sequence[Due],
    meters: Mapping[str, Meter],
    contracts: Mapping[str, Sequence[Contract]],
) -> list[Customer]:
    """What was heard of those that are due, in their order."""
    ids = [one.customer_id for one in due]
    rollups: dict[str, dict[str, Rollup]] = {}
    for customer_id, rollup in await ActivityRepository(uow.connection).rollups_of(ids):
        rollups.setdefault(customer_id, {})[rollup.meter] = rollup
    return [
        Customer(
            one.customer_id,
            one.external_id,
            one.timezone,
            rollups.get(one.customer_id, {}),
            meters,
            contracts.get(one.customer_id, []),
        )
        for one in due
    ]


async def _by_day(
    uow: UnitOfWork,
    customers: Sequence[Customer],
    days: Mapping[str, Sequence[date]],
    policy: Policy,
    silent: Mapping[TypeDay, SeenSilence],
) -> _ByDay:
    """One question of each sort a day, for all customers that are evaluated on it."""
    ids: dict[date, list[str]] = {}
    for customer in customers:
        for day in days[customer.customer_id]:
            ids.setdefault(day, []).append(customer.customer_id)
    settled, model = SettledRepository(uow.connection), await RenewalRepository(uow.connection).model()
    stakes = {day: await settled.settled_of(of_day, day) for day, of_day in ids.items()}
    if not any(customer.tells_of_users for customer in customers):
        return _ByDay(model, {}, stakes, silent)
    evaluations, windows = EvaluationRepository(uow.connection), _windows(customers)
    engagements = {
        day: await evaluations.engagement(of_day, day, windows, policy.most_active)
        for day, of_day in ids.items()
    }
    return _ByDay(model, engagements, stakes, silent)


def _windows(customers: Sequence[Customer]) -> list[int]:
    """The days within which milestones of these customers ask for active users."""
    activations = [
        version.terms.activation
        for customer in customers
        for contract in customer.contracts
        for version in contract.versions
        if version.terms.activation
    ]
    milestones = (milestone for clause in activations for milestone in clause.milestones)
    return sorted({milestone.in_days for milestone in milestones if isinstance(milestone, TeamMilestone)})


def _due_days(due: Due, until: datetime, policy: Policy) -> list[date]:
    last = local_day(until, due.timezone)
    if due_at(last, due.timezone, policy.evaluation_hour) > until:
        last -= timedelta(days=1)
    return [
        due.next_on + timedelta(days=number)
        for number in range(min((last - due.next_on).days + 1, DAYS_AT_ONCE))
    ]


def _evaluated(
    customer: Customer,
    due: Due,
    due_days: Sequence[date],
    state: CustomerState,
    by_day: _ByDay,
    policy: Policy,
) -> _Evaluated:
    """Day by day, each from the state the day before left."""
    days = []
    for day in due_days:
        engagement = by_day.engagements.get(day, {}).get(customer.customer_id)
        stake = by_day.stakes[day][customer.customer_id]
        producers = by_day.producers_of(customer.customer_id, day)
        found = evaluate(Known(customer, day, engagement, policy, stake, by_day.model, producers), state)
        state = found.state
        days.append((day, found))
    return _Evaluated(customer, days, state, due.next_on + timedelta(days=len(days)))


async def _save(uow: UnitOfWork, evaluated: Sequence[_Evaluated], policy: Policy) -> None:
    """Keep each day's evaluation, and of each customer the state that the last one left."""
    evaluations = EvaluationRepository(uow.connection)
    await evaluations.keep(
        [
            KeptStanding(
                one.customer.customer_id,
                day,
                one.customer.midnight(day),
                msgspec.Raw(_encoder.encode(shown_object(found.document))),
            )
            for one in evaluated
            for day, found in one.days
        ]
    )
    await RosterRepository(uow.connection).keep(
        {one.customer.customer_id: one.days[-1][0] for one in evaluated if one.days}
    )
    await evaluations.save(
        [
            CustomerStateRow(
                one.customer.customer_id,
                one.next_on,
                due_at(one.next_on, one.customer.timezone, policy.evaluation_hour),
                one.state,
            )
            for one in evaluated
        ]
    )


async def _tell(uow: UnitOfWork, evaluated: Sequence[_Evaluated], now: datetime) -> None:
    """Tell the facts, and note which terms ended."""
    told = [
        Told(one.customer.customer_id, one.customer.customer, one.customer.midnight(day), fact)
        for one in evaluated
        for day, found in one.days
        for fact in found.facts
    ]
    await tell(uow, told, now)
    ended = [
        (one.customer.customer_id, term) for one in evaluated for _, found in one.days for term in found.ended
    ]
    await note_ended(uow, ended)
