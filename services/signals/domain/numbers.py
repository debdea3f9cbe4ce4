"""The numbers of the risk score that belong to the customer; those of a contract are added by its own day."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from services.signals.domain.customer_day import Engagement, Known
from services.signals.domain.rollup import Rollup, monday
from services.signals.domain.silence import Silences
from services.signals.domain.trend import Trend, TrendState

PLACES = Decimal("0.0001")
Numbers = Mapping[str, Decimal | None]
"""Reason of the risk score → its number; None: not known."""


def numbers_of(
    known: Known, main: Rollup | None, use: Trend, silences: Silences, listened_from: date | None
) -> Numbers:
    """`listened_from`: from when a customer without any use counts as silent."""
    engagement = known.engagement
    quiet = min(
        (found.days for found in silences.values()),
        default=(known.day - listened_from).days if listened_from else None,
    )
    return {
        "silent_days": Decimal(quiet) if quiet is not None else None,
        "trend_change": use.change if use.state is not TrendState.STEADY else None,
        "recent_change": _recent_change(known, main),
        "users_change": _users_change(engagement),
        "most_active_quiet": engagement.quiet_share if engagement else None,
    }


def _recent_change(known: Known, main: Rollup | None) -> Decimal | None:
    """The newest weeks against those before them, a week each; None where it may be chance or the weeks
    before are not all known."""
    day, policy = known.day, known.policy
    asked = policy.recent_weeks + policy.recent_before_weeks
    weeks = main.weeks_between(monday(day) - timedelta(weeks=asked), day) if main is not None else []
    if len(weeks) < asked or not sum(weeks[: -policy.recent_weeks]):
        return None
    new, old = Decimal(sum(weeks[-policy.recent_weeks :])), Decimal(sum(weeks[: -policy.recent_weeks]))
    like = old * policy.recent_weeks / policy.recent_before_weeks
    if (new - like) ** 2 < policy.trend.noise**2 * (new + like):
        return None
    return (new / like - 1).quantize(PLACES)


def _users_change(engagement: Engagement | None) -> Decimal | None:
    if engagement is None or not engagement.users_month_before:
        return None
    return (Decimal(engagement.users_month) / engagement.users_month_before - 1).quantize(PLACES)
