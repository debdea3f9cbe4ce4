"""Where consumption will be at the end, and when the capacity will be used up, at the pace of the last weeks
and of the extremes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

PLACES = Decimal("0.01")
DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Pace:
    """Units a day: the mean of the last weeks, the slowest and the fastest of them."""

    usual: Decimal
    low: Decimal
    high: Decimal

    def times(self, factor: Decimal) -> "Pace":
        return Pace(self.usual * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Projection:
    """At the end: `projected` within `low`…`high`. Of a capacity either the day it is used up, or what will
    be missing."""

    projected: Decimal
    low: Decimal
    high: Decimal
    exhausted_on: date | None = None
    exhausted_earliest: date | None = None
    exhausted_latest: date | None = None  # None with an earliest: perhaps not at all
    shortfall: Decimal | None = None
    shortfall_on: date | None = None  # the end, where it becomes due


def pace(weeks: Sequence[int]) -> Pace | None:
    """The pace of whole weeks' events; None without a week."""
    if not weeks:
        return None
    usual = Decimal(sum(weeks)) / (len(weeks) * DAYS_A_WEEK)
    return Pace(usual, Decimal(min(weeks)) / DAYS_A_WEEK, Decimal(max(weeks)) / DAYS_A_WEEK)


def project(used: Decimal, capacity: Decimal | None, at: Pace, day: date, end: date) -> Projection:
    """Project what is used as `day` begins to the end, `end` being the first day after it."""
    left = max((end - day).days, 0)
    projected, low, high = (_rounded(used + rate * left) for rate in (at.usual, at.low, at.high))
    if not capacity:
        return Projection(projected, low, high)
    return Projection(
        projected,
        low,
        high,
        _exhausted(used, capacity, at.usual, day, end),
        _exhausted(used, capacity, at.high, day, end),
        _exhausted(used, capacity, at.low, day, end),
        _rounded(max(capacity - projected, Decimal())) or None,
        end if projected < capacity else None,
    )


def _exhausted(used: Decimal, capacity: Decimal, rate: Decimal, day: date, end: date) -> date | None:
    """The day on which the capacity is used up at this rate, if that is before the end."""
    if used >= capacity:
        return day - timedelta(days=1)
    if rate <= 0 or used + rate * (end - day).days < capacity:
        return None
    return day + timedelta(days=int((capacity - used) / rate))


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(PLACES)
