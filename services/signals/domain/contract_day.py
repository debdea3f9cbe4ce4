"""The part of a daily evaluation that belongs to one contract: consumption, activation, renewal and its
risk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.signals.domain.activation import Activation, ActivationState, Reached, activation
from services.signals.domain.capacity import Capacity, capacities, periods_over
from services.signals.domain.customer_day import Contract, Customer, Engagement, Outcome
from services.signals.domain.fact import Fact
from services.signals.domain.policy import Policy
from services.signals.domain.projection import Projection, pace, project
from services.signals.domain.renewal import Renewal, notice_step, renewal
from services.signals.domain.risk import Risk, risk
from services.signals.domain.rollup import monday
from services.signals.domain.shown import shown

PACE_FROM_ELAPSED = Decimal("0.5")  # earlier in a period a pace says little


@dataclass(slots=True)
class ContractDay:
    document: dict[str, Any]
    facts: list[Fact]
    outcomes: list[Outcome]
    state: dict[str, Any]
    risk: Risk


def contract_day(
    customer: Customer,
    contract: Contract,
    day: date,
    engagement: Engagement | None,
    policy: Policy,
    numbers: Mapping[str, Decimal | None],
    before: Mapping[str, Any],
) -> ContractDay:
    """Evaluate one contract as `day` begins. `numbers` are the customer's own for the risk score; `before` is
    this contract's kept state."""
    terms, state = contract.terms_at(customer.midnight(day)), dict(before)
    term = renewal(terms, day)
    _note_totals(customer, terms, term, day, state)
    found = capacities(customer, contract, terms, day, policy)
    reached = _activation(customer, terms, day, engagement, policy, state)
    scored = risk({**numbers, **_own_numbers(found, reached)}, policy.risk, bool(state.get("at_risk")))
    facts = [
        *_consumed(contract, day, found, policy, state),
        *_activated(contract, day, reached, state),
        *_expands(contract, day, policy),
    ]
    facts += _renewals(contract, day, term, scored, policy, state)
    outcomes = _ended(contract, day, term, state)
    document = {
        "consumption": [shown(one) for one in found],
        "activation": shown(reached) if reached else None,
        "renewal": shown(term) if term else None,
        "risk": shown(scored),
        "term": shown(_term_use(customer, terms, term, day, policy, state)),
    }
    return ContractDay(document, facts, outcomes, state, scored)


def _note_totals(
    customer: Customer, terms: Mapping[str, Any], term: Renewal | None, day: date, state: dict[str, Any]
) -> None:
    """Remember what each meter had counted when the contract and when its running term began."""
    totals = state.setdefault("totals", {})
    starts = {terms["term"]["start"]} | ({term.term_start.isoformat()} if term else set())
    for start in starts - totals.keys():
        if date.fromisoformat(start) <= day:
            at = date.fromisoformat(start)
            totals[start] = {
                meter: str(rollup.total_before(max(at, rollup.days_from)))
                for meter, rollup in customer.rollups.items()
                if rollup.total_before(max(at, rollup.days_from))
            }


def _since(customer: Customer, meter: str, start: str, day: date, state: Mapping[str, Any]) -> Decimal:
    """What a count or sum meter has counted from `start` until `day` begins."""
    rollup = customer.rollups.get(meter)
    if rollup is None:
        return Decimal()
    return rollup.total_before(day) - Decimal(state.get("totals", {}).get(start, {}).get(meter, "0"))


def _activation(
    customer: Customer,
    terms: Mapping[str, Any],
    day: date,
    engagement: Engagement | None,
    policy: Policy,
    state: dict[str, Any],
) -> Activation | None:
    clause, start = terms.get("activation"), terms["term"]["start"]
    if not clause or day < date.fromisoformat(start):
        return None
    meters = {milestone["meter"] for milestone in clause["milestones"] if "meter" in milestone}
    value = {meter: _since(customer, meter, start, day, state) for meter in meters}
    known = {key: date.fromisoformat(on) for key, on in state.get("milestones", {}).items()}
    reached = Reached(value, engagement.users_by_days if engagement else {})
    found = activation(clause, date.fromisoformat(start), day, reached, known, policy.activation_risk_elapsed)
    state["milestones"] = {one.key: one.reached_on.isoformat() for one in found.milestones if one.reached_on}
    return found


def _own_numbers(found: list[Capacity], reached: Activation | None) -> dict[str, Decimal | None]:
    paces = [one.pace for one in found if one.pace is not None and one.elapsed >= PACE_FROM_ELAPSED]
    failed = reached is not None and reached.state is ActivationState.FAILED
    return {
        "pace": min(paces, default=None),
        "activation_missing": 1 - reached.share if failed and reached else None,
    }


def _consumed(
    contract: Contract, day: date, found: list[Capacity], policy: Policy, state: dict[str, Any]
) -> list[Fact]:
    """One fact a capacity, period and threshold."""
    known = [tuple(key) for key in state.get("thresholds", [])]
    passed = [
        (one, threshold)
        for one in found
        for threshold in policy.thresholds
        if one.share is not None and one.share >= threshold
    ]
    keys = [
        (contract.contract, one.period_start.isoformat(), one.kind, one.line or "", str(threshold))
        for one, threshold in passed
    ]
    state["thresholds"] = [list(key) for key in keys]
    return [
        Fact(
            "customer.consumption.threshold_reached",
            key,
            day,
            {**shown(one), "threshold": str(threshold)},
            contract.contract,
        )
        for (one, threshold), key in zip(passed, keys, strict=True)
        if key not in known
    ]


def _activated(
    contract: Contract, day: date, reached: Activation | None, state: dict[str, Any]
) -> list[Fact]:
    before = state.get("activation", ActivationState.OPEN)
    if reached is None or reached.state == before or reached.state is ActivationState.OPEN:
        return []
    state["activation"] = str(reached.state)
    return [
        Fact(
            f"customer.activation.{reached.state}",
            (contract.contract, str(reached.state)),
            day,
            {**shown(reached), "late": day > reached.deadline},
            contract.contract,
        )
    ]


def _expands(contract: Contract, day: date, policy: Policy) -> list[Fact]:
    """Above the allowance in the last closed periods, all of them: told on the first day after the last."""
    return [
        Fact(
            "expansion.ready",
            (contract.contract, line, periods[-1]["start"]),
            day,
            {"line": line, "periods": periods},
            contract.contract,
        )
        for line, periods in periods_over(contract, day, policy.expansion_periods)
    ]


def _renewals(
    contract: Contract, day: date, term: Renewal | None, scored: Risk, policy: Policy, state: dict[str, Any]
) -> list[Fact]:
    if scored.at_risk and not state.get("at_risk"):
        state["episodes"] = state.get("episodes", 0) + 1
    state["at_risk"] = scored.at_risk
    step = notice_step(term, day, policy.notice_steps_days) if term else None
    if term is None or step is None:
        return []
    facts, end = [], term.term_end.isoformat()
    known, due, risky = (
        state.setdefault("told", []),
        f"{end}:{step}",
        f"{end}:risk:{state.get('episodes', 0)}",
    )
    data = {**shown(term), "score": scored.score, "at_risk": scored.at_risk, "reasons": shown(scored.reasons)}
    if due not in known:
        facts.append(
            Fact(
                "renewal.due",
                (contract.contract, end, str(step)),
                day,
                {**data, "step_days": step},
                contract.contract,
            )
        )
    if scored.at_risk and risky not in known:
        facts.append(
            Fact(
                "renewal.at_risk",
                (contract.contract, end, str(state["episodes"])),
                day,
                data,
                contract.contract,
            )
        )
    state["told"] = sorted(
        {key for key in known if key.startswith(end)} | {due} | ({risky} if scored.at_risk else set())
    )
    return facts


def _ended(contract: Contract, day: date, term: Renewal | None, state: dict[str, Any]) -> list[Outcome]:
    """A term that ran into the next one was renewed; one that ended without a next one is over."""
    before, state["term_end"] = state.get("term_end"), term.term_end.isoformat() if term else None
    if before is None or term is None:
        return []
    if before < term.term_end.isoformat():
        return [Outcome(contract.contract, date.fromisoformat(before), "renewed")]
    if day >= term.term_end and not state.get("over"):
        state["over"] = True
        return [Outcome(contract.contract, term.term_end, "churned")]
    return []


def _term_use(
    customer: Customer,
    terms: Mapping[str, Any],
    term: Renewal | None,
    day: date,
    policy: Policy,
    state: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Use of the term so far and at its end, by the first usage line's meter, where that adds up."""
    meter = next(
        (line["meter"] for line in terms.get("lines", []) if line.get("meter") in customer.rollups), None
    )
    if term is None or meter is None or not (known := customer.meters.get(meter)) or not known.adds_up:
        return None
    used, rollup = _since(customer, meter, term.term_start.isoformat(), day, state), customer.rollups[meter]
    weeks = rollup.weeks_between(
        max(monday(day).fromordinal(monday(day).toordinal() - 7 * policy.projection_weeks), term.term_start),
        day,
    )
    events = pace(weeks)
    if events is None or not (counted := rollup.events_between(rollup.days_from, day)):
        return {"meter": meter, "used": used}
    a_unit = sum(rollup.values[: max((day - rollup.days_from).days, 0)], Decimal()) / counted
    found: Projection = project(used, None, events.times(a_unit), day, term.term_end)
    return {
        "meter": meter,
        "used": used,
        "projected": found.projected,
        "low": found.low,
        "high": found.high,
        "end": term.term_end,
    }
