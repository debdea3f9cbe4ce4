"""Verb: evaluate the customers that are due, each day by itself, over the days before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import msgspec

from services.signals.domain.customer_day import Contract, Customer, Engagement, Found, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.local_day import due_at, local_day
from services.signals.domain.policy import Policy
from services.signals.domain.rollup import Rollup
from services.signals.domain.shown import shown
from services.signals.evaluation.repository import STATEMENT_DAYS, Due, EvaluationRepository
from services.signals.facts.repository import FactRepository
from services.signals.facts.usecases.tell import Told, tell
from services.signals.replica.repository.activity import ActivityRepository
from shared.db.unit_of_work import UnitOfWork

DAYS_AT_ONCE = 40  # days of one customer in one transaction, when the clock has jumped
_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class _Evaluated:
    customer: Customer
    due: Due
    days: list[tuple[date, Found]]


async def evaluate_due(uow: UnitOfWork, until: datetime, policy: Policy, customers_max: int) -> int:
    """Evaluate up to `customers_max` customers whose days are due by `until`; return how many were found."""
    evaluations = EvaluationRepository(uow.connection)
    due = await evaluations.claim(until, customers_max)
    if due:
        evaluated = await _evaluate(uow, evaluations, due, until, policy)
        await _save(uow, evaluations, evaluated, until, policy)
    return len(due)


async def _evaluate(
    uow: UnitOfWork, evaluations: EvaluationRepository, due: Sequence[Due], until: datetime, policy: Policy
) -> list[_Evaluated]:
    ids = [one.customer_id for one in due]
    meters = await evaluations.meters()
    rollups: dict[str, dict[str, Rollup]] = {}
    for customer_id, rollup in await ActivityRepository(uow.connection).rollups_of(ids):
        rollups.setdefault(customer_id, {})[rollup.meter] = rollup
    oldest = min(due_at(one.next_on, one.timezone, 0) for one in due)
    contracts = await evaluations.contracts(ids, oldest - timedelta(days=STATEMENT_DAYS))
    engagements = await _engagements(evaluations, due, until, meters, contracts, policy)
    return [
        _days(
            Customer(
                one.customer_id,
                one.customer,
                one.timezone,
                rollups.get(one.customer_id, {}),
                meters,
                contracts.get(one.customer_id, []),
                one.state,
                None if one.state else one.next_on,
            ),
            one,
            until,
            engagements,
            policy,
        )
        for one in due
    ]


async def _engagements(
    evaluations: EvaluationRepository,
    due: Sequence[Due],
    until: datetime,
    meters: Mapping[str, Meter],
    contracts: Mapping[str, list[Contract]],
    policy: Policy,
) -> dict[date, dict[str, Engagement]]:
    """Day → customer → engagement; nothing where no meter tells of users, teams or features."""
    if not any(meter.role and meter.role != "login" for meter in meters.values()):
        return {}
    windows = sorted(
        {
            int(milestone["in_days"])
            for mine in contracts.values()
            for contract in mine
            for version in contract.versions
            for milestone in (version["terms"].get("activation") or {}).get("milestones", [])
            if "in_days" in milestone
        }
    )
    by_day: dict[date, list[str]] = {}
    for one in due:
        for day in _due_days(one, until, policy):
            by_day.setdefault(day, []).append(one.customer_id)
    return {
        day: await evaluations.engagement(ids, day, windows, policy.most_active)
        for day, ids in by_day.items()
    }


def _days(
    customer: Customer,
    due: Due,
    until: datetime,
    engagements: Mapping[date, Mapping[str, Engagement]],
    policy: Policy,
) -> _Evaluated:
    """Day by day, each from the state the day before left."""
    days = []
    for day in _due_days(due, until, policy):
        found = evaluate(customer, day, engagements.get(day, {}).get(customer.customer_id), policy)
        customer = replace(customer, state=found.state)
        days.append((day, found))
    return _Evaluated(customer, due, days)


def _due_days(due: Due, until: datetime, policy: Policy) -> list[date]:
    last = local_day(until, due.timezone)
    if due_at(last, due.timezone, policy.evaluation_hour) > until:
        last -= timedelta(days=1)
    return [
        due.next_on + timedelta(days=number)
        for number in range(min((last - due.next_on).days + 1, DAYS_AT_ONCE))
    ]


async def _save(
    uow: UnitOfWork,
    evaluations: EvaluationRepository,
    evaluated: Sequence[_Evaluated],
    now: datetime,
    policy: Policy,
) -> None:
    standings, states, told = [], [], []
    facts = FactRepository(uow.connection)
    for one in evaluated:
        customer, upcoming = one.customer, one.due.next_on + timedelta(days=len(one.days))
        for day, found in one.days:
            standings.append(
                (customer.customer_id, day, customer.midnight(day), _encoder.encode(shown(found.document)))
            )
            told += [
                Told(customer.customer_id, customer.customer, customer.midnight(day), fact)
                for fact in found.facts
            ]
        states.append(
            (
                customer.customer_id,
                upcoming,
                due_at(upcoming, customer.timezone, policy.evaluation_hour),
                dict(customer.state),
            )
        )
    await evaluations.keep(standings)
    await evaluations.save(states)
    await tell(uow, told, now)
    for outcome in (outcome for one in evaluated for _, found in one.days for outcome in found.outcomes):
        await facts.record_term_outcome(outcome.contract, outcome.term_end, outcome.outcome, now)
