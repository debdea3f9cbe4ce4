"""The numbers of the risk score that belong to the customer; those of a contract are added by its own day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from services.signals.domain.customer_day import Engagement, Known
from services.signals.domain.odds import Odds
from services.signals.domain.proofs import Proofs
from services.signals.domain.rollup import Rollup, monday
from services.signals.domain.silence import Silences
from services.signals.domain.trend import Trend, TrendState
from services.signals.domain.unheard import UnheardDays

PLACES = Decimal("0.0001")
Numbers = Mapping[str, Decimal | None]
"""Reason of the risk score → its number; None: not known."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of the risk score that belong to the customer, where the proof of each reason lies, the
    probabilities beside them, and the trend."""

    numbers: Numbers
    proofs: Proofs
    odds: Odds
    #: The last one that was known.
    trend: TrendState
    #: The producer is silent: that it is not at risk is not known, and what was told before stands.
    unheard: bool = False


def numbers_of(
    known: Known,
    main: Rollup | None,
    use: Trend,
    silences: Silences,
    listened_from: date | None,
    unheard: UnheardDays,
) -> Numbers:
    """`listened_from`: from when a customer without any use counts as silent; `unheard`: days on which nobody could be."""
    engagement = known.heard
    quiet = min(
        (found.days for found in silences.values()),
        default=(known.day - listened_from).days if listened_from else None,
    )
    return {
        "silent_days": Decimal(quiet) if quiet is not None else None,
        "trend_change": use.change if use.state is not TrendState.STEADY else None,
        "recent_change": _recent_change(known, main, unheard),
        "users_change": _users_change(engagement),
        "depth_change": engagement.depth_change(known.policy.depth_items_min) if engagement else None,
        "most_active_quiet": engagement.quiet_share if engagement else None,
    }


#: What a silence makes of the numbers.
OF_SILENCE = ("silent_days", "trend_change", "recent_change")


def without_silence(numbers: Numbers) -> Numbers:
    """The numbers where nothing is heard because the producer is silent: what nobody hears is nobody's fall."""
    return {**numbers, **dict.fromkeys(OF_SILENCE)}


def of_both(main: Numbers, together: Numbers) -> Numbers:
    """The numbers of the main meter, but of a fall no more than all meters together fell: who moves from one to another
    has not fallen."""
    return {
        **main,
        **{name: _milder(main[name], together[name]) for name in ("trend_change", "recent_change")},
    }


def _milder(main: Decimal | None, together: Decimal | None) -> Decimal | None:
    if main is None or main >= 0:
        return main
    return max(main, together) if together is not None else None


def _recent_change(known: Known, main: Rollup | None, unheard: UnheardDays) -> Decimal | None:
    """The newest weeks against those before them, a week each; None where it may be chance or the weeks
    before are not all known. Weeks in which a day is unheard are left out of either."""
    day, policy = known.day, known.policy
    asked = policy.recent_weeks + policy.recent_before_weeks
    first = monday(day) - timedelta(weeks=asked)
    weeks = main.weeks_between(first, day) if main is not None else []
    if len(weeks) < asked:
        return None
    lost = {(monday(one) - first).days // 7 for one in unheard}
    heard = [(at, week) for at, week in enumerate(weeks) if at not in lost]
    late = [week for at, week in heard if at >= policy.recent_before_weeks]
    early = [week for at, week in heard if at < policy.recent_before_weeks]
    if not late or not sum(early):
        return None
    new, old = Decimal(sum(late)), Decimal(sum(early))
    like = old * len(late) / len(early)
    if (new - like) ** 2 < policy.recent_noise**2 * (new + like):
        return None
    return (new / like - 1).quantize(PLACES)


def _users_change(engagement: Engagement | None) -> Decimal | None:
    if engagement is None or not engagement.users_month_before:
        return None
    return (Decimal(engagement.users_month) / engagement.users_month_before - 1).quantize(PLACES)
