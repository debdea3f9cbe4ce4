"""The daily evaluation of one customer: what is known as a local day begins, what it means, and what has
become true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from services.signals.domain.contract_day import ContractDay, contract_day
from services.signals.domain.customer_day import Found, Known
from services.signals.domain.numbers import Measured, numbers_of, of_both, without_silence
from services.signals.domain.odds import Odds, shown_odds
from services.signals.domain.proofs import proof_of
from services.signals.domain.risk import risk
from services.signals.domain.rollup import Rollup
from services.signals.domain.shown import Document, shown_month_six, shown_object, shown_trend
from services.signals.domain.silence import Silences
from services.signals.domain.stake import shown_stake
from services.signals.domain.state import ContractState, CustomerState, UseDays
from services.signals.domain.steps.odds import count_days, odds_of, use_shown
from services.signals.domain.steps.risk import Worst, come_to_risk, worst_of
from services.signals.domain.steps.silence import fall_silent, silences_of
from services.signals.domain.steps.unheard import note_unheard, unheard_days
from services.signals.domain.steps.use import (
    first_day_of_use,
    listened_from,
    main_meter,
    month_six,
    trend_of_use,
    trend_start,
    turn,
)
from services.signals.domain.steps.users import go_quiet
from services.signals.domain.together import Together, use_together
from services.signals.domain.trend import Said, Trend, TrendState
from services.signals.domain.unheard import Stretches, UnheardDays


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen of the customer's use as the day begins. `started`: where its trend begins; `stretches` of producers'
    silence, and the days of them that are `unheard`."""

    main: Rollup | None
    together: Together
    started: date | None
    first_on: date | None
    use: Trend
    silences: Silences
    stretches: Stretches
    unheard: UnheardDays

    @property
    def silent_since(self) -> date | None:
        """The last day of use on the main meter, where its silence is an outage: that is said before its trend."""
        found = self.silences.get(self.main.meter) if self.main else None
        return found.last_seen_on if found and found.is_outage else None

    def producer_since(self, known: Known) -> date | None:
        """The last day the producer of the main meter was seen, where it is that which is silent."""
        meter = known.customer.meters.get(self.main.meter) if self.main and self.silent_since else None
        return known.producers.get(meter.event_type) if meter else None


def evaluate(known: Known, before: CustomerState) -> Found:
    """Evaluate as the day begins: only the days before it count, whenever this is asked. `before` is what the
    evaluation of the day before left."""
    seen = _seen(known, before)
    use_days = count_days(known, before.use_days, seen.unheard)
    turned, latched = turn(known, seen.use, before.trend, silent=seen.silent_since is not None)
    measured = _measured(known, seen, use_days, before, latched)
    silenced, silent = fall_silent(known, seen.silences, before.silent)
    quieted, users_quiet = go_quiet(known, before.users_quiet)
    contracts = {
        one.contract: contract_day(known, one, measured, before.contracts.get(one.contract, ContractState()))
        for one in known.customer.contracts
    }
    own = risk(measured.numbers, known.policy.risk, before.told_at_risk, measured.proofs)
    worst = worst_of({name: part.risk for name, part in contracts.items()}, own)
    state = CustomerState(
        known_on=before.known_on,
        first_on=seen.first_on,
        trend=latched,
        at_risk=worst.risk.at_risk or (measured.unheard and before.told_at_risk),
        trend_known=seen.use.state is not TrendState.UNKNOWN,
        silent=silent,
        users_quiet=users_quiet,
        use_days=use_days,
        unheard=seen.stretches,
        month_six=month_six(known, seen.main, seen.started, before.month_six),
        contracts={**before.contracts, **{name: part.state for name, part in contracts.items()}},
    )
    risen = come_to_risk(known, worst, measured.odds, before.told_at_risk)
    of_contracts = (fact for part in contracts.values() for fact in part.facts)
    facts = [*turned, *silenced, *quieted, *risen, *of_contracts]
    shown_risk = _shown_risk(known, seen, measured, worst, use_days)
    document = {**_document(known, seen, contracts, state), **shown_risk}
    return Found(document, facts, [term for part in contracts.values() for term in part.ended], state)


def _seen(known: Known, before: CustomerState) -> _Seen:
    main = main_meter(known)
    first_on = first_day_of_use(known, main, before.first_on)
    started, together = trend_start(known, first_on), use_together(known, main)
    use = trend_of_use(known, main, started, first_on, _said(before))
    stretches = note_unheard(known, before.unheard)
    used = [rollup for rollup, _ in together.weighs] + ([main] if main is not None else [])
    unheard = unheard_days(known, stretches, used)
    return _Seen(main, together, started, first_on, use, silences_of(known), stretches, unheard)


def _said(before: CustomerState) -> Said:
    """What was said of the trend the day before."""
    return Said(before.trend, before.trend_known)


def _measured(
    known: Known, seen: _Seen, use_days: UseDays | None, before: CustomerState, latched: TrendState
) -> Measured:
    """The numbers of the score, of the main meter and of all together, their proofs, and the probabilities."""
    main, silences = seen.main, seen.silences
    heard_from = listened_from(known, seen.first_on, before.known_on) if not silences else None
    numbers = numbers_of(known, main, seen.use, silences, heard_from, seen.unheard)
    if (of_all := seen.together.weeks()) is not main:
        all_use = trend_of_use(known, of_all, seen.started, seen.first_on, _said(before))
        numbers = of_both(numbers, numbers_of(known, of_all, all_use, silences, heard_from, seen.unheard))
    proofs = partial(proof_of, known, silences, main if seen.together.alone is main else None)
    if seen.producer_since(known) is not None:
        return Measured(without_silence(numbers), proofs, Odds(), latched, unheard=True)
    return Measured(numbers, proofs, odds_of(known, silences, seen.together, use_days, seen.unheard), latched)


def _document(
    known: Known, seen: _Seen, contracts: Mapping[str, ContractDay], state: CustomerState
) -> Document:
    engagement, silences = known.engagement, seen.silences
    logins = [found.last_seen_on for meter, found in silences.items() if _role(known, meter) == "login"]
    return {
        "customer": known.customer.customer,
        "day": known.day.isoformat(),
        "policy": known.policy.version,
        "last_seen_on": max((found.last_seen_on for found in silences.values()), default=None),
        "last_login_on": max(logins, default=None),
        **({"silent_since": seen.silent_since} if seen.silent_since else {}),
        **({"producer_silent_since": since} if (since := seen.producer_since(known)) else {}),
        "meters": {
            meter: shown_object(found) | {"silent": found.is_outage}
            for meter, found in sorted(silences.items())
        },
        "trend": {
            "meter": seen.main.meter if seen.main else None,
            **shown_trend(seen.use),
            "latched": str(state.trend),
        },
        "trend_month_six": shown_month_six(state.month_six) if state.month_six else None,
        "engagement": shown_object(engagement) | {"stickiness": engagement.stickiness}
        if engagement
        else None,
        "contracts": {name: part.document for name, part in contracts.items()},
    }


def _shown_risk(
    known: Known, seen: _Seen, measured: Measured, worst: Worst, use_days: UseDays | None
) -> Document:
    """How the customer stands, in points and probabilities, and what is at stake."""
    return {
        "numbers": {name: number for name, number in measured.numbers.items() if number is not None},
        "risk": shown_object(worst.risk),
        **shown_odds(measured.odds),
        **_weighed_by(seen.together),
        **shown_stake(known.worth),
        **_shown_forecast(known, seen, use_days),
    }


def _shown_forecast(known: Known, seen: _Seen, use_days: UseDays | None) -> Document:
    """What p_renew rests on: the use it looks at, and how many outcomes it was learned from. A silent producer hides the
    use, and nothing is learned from that."""
    model = known.renewal_model
    learned = {"outcomes": model.outcomes, "fitted": model.is_fitted} if model is not None else None
    use = None
    if use_days is not None and seen.producer_since(known) is None:
        use = use_shown(known, seen.together, use_days)
    return {name: of for name, of in {"use": use, "learned_from": learned}.items() if of is not None}


def _weighed_by(together: Together) -> Document:
    """What an event of each meter counts for where several do; nothing where they count alike."""
    return {"weighed_by": shown_object(together.prices)} if together.prices is not None else {}


def _role(known: Known, meter: str) -> str | None:
    of_catalogue = known.customer.meters.get(meter)
    return of_catalogue.role if of_catalogue else None
