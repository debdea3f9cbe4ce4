"""The back-test: for each month, what the score said, and what the next three months did, judged from later
data only.

The rule of the label, stated once: a customer was *lost* when use by day in the next three months fell by
more than 25 % against the three months before (or as many of them as are known), or when 60 days in a row
within them went without any use.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from services.signals.domain.score_report import PLACES
from shared.values.period import add_months

MONTHS_AHEAD = MONTHS_BEFORE = 3
FALL_MAX = Decimal("0.25")
SILENT_DAYS_MAX = 60
#: Local day → events; a day that is missing had none.
Days = Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Said:
    """What the score said of a customer as the month `at` begins."""

    customer: str
    at: date
    score: int
    at_risk: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """`lost` and `change` are None where the next three months are not all known, or nothing was used
    before."""

    said: Said
    change: Decimal | None
    lost: bool | None


@dataclass(frozen=True, slots=True)
class MonthReport:
    at: date
    customers: int
    called: int
    lost: int | None  # None: not known yet
    called_and_lost: int | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """Precision = lost ÷ called and recall = called ÷ lost over all customer-months that can be judged; None
    where nothing divides."""

    months: tuple[MonthReport, ...]
    judged: tuple[Judged, ...]
    precision: Decimal | None
    recall: Decimal | None


def backtest(said: Iterable[Said], history: Mapping[str, Days], known_until: date) -> Backtest:
    """Judge what was said against the days that followed. `known_until` is the first day that is not
    known."""
    judged = tuple(
        _judged(one, history.get(one.customer, {}), known_until)
        for one in sorted(said, key=lambda one: (one.at, one.customer))
    )
    months = tuple(
        _month(at, [one for one in judged if one.said.at == at])
        for at in sorted({one.said.at for one in judged})
    )
    counted = [one for one in judged if one.lost is not None]
    both = sum(one.said.at_risk and bool(one.lost) for one in counted)
    return Backtest(
        months,
        judged,
        _share(both, sum(one.said.at_risk for one in counted)),
        _share(both, sum(bool(one.lost) for one in counted)),
    )


def _judged(said: Said, days: Days, known_until: date) -> Judged:
    end = add_months(said.at, MONTHS_AHEAD)
    known = [day for day in days if day < said.at]
    if end > known_until or not known:
        return Judged(said, None, None)
    first = max(add_months(said.at, -MONTHS_BEFORE), min(known))
    before, after = _a_day(days, first, said.at), _a_day(days, said.at, end)
    change = (after / before - 1).quantize(PLACES) if before else None
    return Judged(
        said,
        change,
        (change is not None and change < -FALL_MAX)
        or _longest_silence(days, said.at, end) >= SILENT_DAYS_MAX,
    )


def _a_day(days: Days, first: date, end: date) -> Decimal:
    span = (end - first).days
    return Decimal(sum(days.get(first + timedelta(days=n), 0) for n in range(span))) / span


def _longest_silence(days: Days, first: date, end: date) -> int:
    longest = run = 0
    for number in range((end - first).days):
        run = 0 if days.get(first + timedelta(days=number)) else run + 1
        longest = max(longest, run)
    return longest


def _month(at: date, judged: list[Judged]) -> MonthReport:
    known = any(one.lost is not None for one in judged)
    return MonthReport(
        at,
        len(judged),
        sum(one.said.at_risk for one in judged),
        sum(bool(one.lost) for one in judged) if known else None,
        sum(one.said.at_risk and bool(one.lost) for one in judged) if known else None,
    )


def _share(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(PLACES) if whole else None
