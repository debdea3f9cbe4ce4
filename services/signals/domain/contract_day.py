"""The part of a daily evaluation that belongs to one contract: consumption, activation, renewal and its
risk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.signals.domain.activation import Activation, ActivationState
from services.signals.domain.agreed import Agreed, agreed_on, counted_since, note_totals
from services.signals.domain.capacity import Capacity, capacities
from services.signals.domain.customer_day import Contract, Known
from services.signals.domain.fact import Fact
from services.signals.domain.numbers import Measured, Numbers
from services.signals.domain.outcomes import Term
from services.signals.domain.projection import pace, project
from services.signals.domain.risk import Risk, risk
from services.signals.domain.rollup import monday
from services.signals.domain.shown import Document, shown, shown_object
from services.signals.domain.stake import shown_stake
from services.signals.domain.state import ContractState, Totals
from services.signals.domain.steps.activation import activate, reach_milestones
from services.signals.domain.steps.consumption import outgrow_allowance, pass_thresholds
from services.signals.domain.steps.renewal import LastTerm, Notices, end_term, notify

#: Earlier in a period a pace says little.
PACE_FROM_ELAPSED = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class ContractDay:
    document: Document
    facts: list[Fact]
    ended: list[Term]
    state: ContractState
    risk: Risk


def contract_day(known: Known, contract: Contract, own: Measured, before: ContractState) -> ContractDay:
    """Evaluate one contract as the day begins. `own` are the customer's numbers for the risk score; `before` is
    what this contract's evaluation of the day before left."""
    agreed = agreed_on(known, contract)
    totals = note_totals(known, agreed, before.totals)
    found = capacities(known, contract, agreed.terms)
    reached, milestones = reach_milestones(known, agreed, totals, before.milestones)
    numbers = {**own.numbers, **_contract_numbers(known, agreed, found, reached)}
    scored = risk(numbers, known.policy.risk, before.at_risk, own.proofs)
    consumed, thresholds = pass_thresholds(known, agreed, found, before.thresholds)
    activated, activation = activate(known, agreed, reached, before.activation)
    notified, notices = notify(
        known, agreed, scored, own.odds, Notices(before.at_risk, before.episodes, before.told)
    )
    ended, last_term = end_term(known, agreed, LastTerm(before.term_end, before.over))
    document = {
        "consumption": [shown_object(one) for one in found],
        "activation": shown_object(reached) if reached else None,
        "renewal": shown_object(agreed.renewal),
        "risk": shown_object(scored),
        **shown_stake(agreed.worth_of(known)),
        "term": shown(_term_use(known, agreed, totals)),
    }
    state = ContractState(
        totals=totals,
        milestones=milestones,
        activation=activation,
        thresholds=thresholds,
        at_risk=notices.at_risk or (own.unheard and before.at_risk),
        episodes=notices.episodes,
        told=notices.told,
        term_end=last_term.end,
        over=last_term.over,
    )
    facts = [*consumed, *activated, *outgrow_allowance(known, agreed, own.trend), *notified]
    return ContractDay(document, facts, ended, state, scored)


def _contract_numbers(
    known: Known, agreed: Agreed, found: Sequence[Capacity], reached: Activation | None
) -> Numbers:
    paces = [
        one.pace
        for one in found
        if one.pace is not None and one.elapsed >= PACE_FROM_ELAPSED and _is_heard(known, agreed, one)
    ]
    failed = reached is not None and reached.state is ActivationState.FAILED
    return {
        "pace": min(paces, default=None),
        "activation_missing": 1 - reached.share if failed and reached else None,
    }


def _is_heard(known: Known, agreed: Agreed, of: Capacity) -> bool:
    """A pace says nothing of the customer while the producer of what is counted is silent."""
    meters = [of.unit] if of.kind == "allowance" else [line.meter for line in agreed.terms.usage_lines]
    return not known.producers.keys() & known.customer.event_types_of(meters)


def _term_use(known: Known, agreed: Agreed, totals: Totals) -> Document | None:
    """Use of the term so far and at its end, by the first usage line's meter, where that adds up."""
    rollups, day, term = known.customer.rollups, known.day, agreed.renewal
    meter = next((line.meter for line in agreed.terms.usage_lines if line.meter in rollups), None)
    of_catalogue = known.customer.meters.get(meter) if meter is not None else None
    if meter is None or of_catalogue is None or not of_catalogue.adds_up:
        return None
    used, rollup = counted_since(known, meter, term.term_start, totals), rollups[meter]
    begins = monday(day) - timedelta(weeks=known.policy.projection_weeks)
    events = pace(rollup.weeks_between(max(begins, term.term_start), day))
    if events is None or not (counted := rollup.events_between(rollup.days_from, day)):
        return {"meter": meter, "used": used}
    a_unit = sum(rollup.values[: max((day - rollup.days_from).days, 0)], Decimal()) / counted
    found = project(used, None, events.times(a_unit), day, term.term_end)
    return {
        "meter": meter,
        "used": used,
        "projected": found.projected,
        "low": found.low,
        "high": found.high,
        "end": term.term_end,
    }
