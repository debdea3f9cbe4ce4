"""The daily evaluation of one customer: what is known as a local day begins, what it means, and what has
become true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.signals.domain.contract_day import ContractDay, contract_day
from services.signals.domain.customer_day import Found, Known
from services.signals.domain.numbers import Numbers, numbers_of
from services.signals.domain.policy import Policy
from services.signals.domain.risk import Risk, risk
from services.signals.domain.rollup import Rollup
from services.signals.domain.shown import Document, shown_month_six, shown_object, shown_trend
from services.signals.domain.silence import Silences
from services.signals.domain.state import ContractState, CustomerState
from services.signals.domain.steps.silence import fall_silent, silences_of
from services.signals.domain.steps.use import (
    first_day_of_use,
    main_meter,
    month_six,
    trend_of_use,
    trend_start,
    turn,
)
from services.signals.domain.steps.users import go_quiet
from services.signals.domain.trend import Trend


@dataclass(frozen=True, slots=True)
class _Meant:
    """What the day means for the customer as a whole."""

    main: Rollup | None
    use: Trend
    silences: Silences
    numbers: Numbers


def evaluate(known: Known, before: CustomerState) -> Found:
    """Evaluate as the day begins: only the days before it count, whenever this is asked. `before` is what the
    evaluation of the day before left."""
    silences, main = silences_of(known), main_meter(known)
    first_on = first_day_of_use(known, main, before.first_on)
    started = trend_start(known, first_on)
    use = trend_of_use(known, main, started, before.trend)
    numbers = numbers_of(known, main, use, silences, _listened_from(started, before.known_on))
    turned, latched = turn(known, use, before.trend)
    silenced, silent = fall_silent(known, silences, before.silent)
    quieted, users_quiet = go_quiet(known, before.users_quiet)
    contracts = {
        one.contract: contract_day(known, one, numbers, before.contracts.get(one.contract, ContractState()))
        for one in known.customer.contracts
    }
    state = CustomerState(
        known_on=before.known_on,
        first_on=first_on,
        trend=latched,
        silent=silent,
        users_quiet=users_quiet,
        month_six=month_six(known, main, started, before.month_six),
        contracts={**before.contracts, **{name: part.state for name, part in contracts.items()}},
    )
    facts = [*turned, *silenced, *quieted, *(fact for part in contracts.values() for fact in part.facts)]
    outcomes = [outcome for part in contracts.values() for outcome in part.outcomes]
    document = _document(known, _Meant(main, use, silences, numbers), contracts, state)
    return Found(document, facts, outcomes, state)


def _listened_from(started: date | None, known_on: date | None) -> date | None:
    """From when a customer without any use counts as silent: the term's start, but no day before the customer
    was known here."""
    return max(started, known_on) if started and known_on else started


def _document(
    known: Known, meant: _Meant, contracts: Mapping[str, ContractDay], state: CustomerState
) -> Document:
    engagement, silences = known.engagement, meant.silences
    logins = [found.last_seen_on for meter, found in silences.items() if _role(known, meter) == "login"]
    return {
        "customer": known.customer.customer,
        "day": known.day.isoformat(),
        "policy": known.policy.version,
        "last_seen_on": max((found.last_seen_on for found in silences.values()), default=None),
        "last_login_on": max(logins, default=None),
        "meters": {
            meter: shown_object(found) | {"silent": found.is_outage}
            for meter, found in sorted(silences.items())
        },
        "trend": {
            "meter": meant.main.meter if meant.main else None,
            **shown_trend(meant.use),
            "latched": str(state.trend),
        },
        "trend_month_six": shown_month_six(state.month_six) if state.month_six else None,
        "engagement": shown_object(engagement) | {"stickiness": engagement.stickiness}
        if engagement
        else None,
        "numbers": {name: number for name, number in meant.numbers.items() if number is not None},
        "risk": shown_object(_customer_risk(meant.numbers, contracts, known.policy)),
        "contracts": {name: part.document for name, part in contracts.items()},
    }


def _customer_risk(numbers: Numbers, contracts: Mapping[str, ContractDay], policy: Policy) -> Risk:
    """The worst of the contracts'; without a contract, what the customer's own numbers say."""
    return max(
        (part.risk for part in contracts.values()),
        key=lambda found: found.score,
        default=risk(numbers, policy.risk, False),
    )


def _role(known: Known, meter: str) -> str | None:
    of_catalogue = known.customer.meters.get(meter)
    return of_catalogue.role if of_catalogue else None
