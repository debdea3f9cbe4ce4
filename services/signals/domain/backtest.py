"""The back-test of what was said: for each month, what the score said, and what the next three months did, judged from
later data only, by the label and the rule of panels (`material_loss.py`, `panel/customer_months.py`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.signals.domain.intervals import PLACES, share
from services.signals.domain.material_loss import MONTHS_AHEAD, MONTHS_BEFORE
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.customer_months import is_judged, is_lost
from services.signals.domain.panel.sections import Score, Worth, worth_of
from shared.values.period import add_months

NOTHING = Counts(())


@dataclass(frozen=True, slots=True)
class Said:
    """What the score said of a customer as the month `at` begins."""

    customer: str
    at: date
    score: int
    at_risk: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """`lost` and `change` are None where the three months before or the next three are not all known, or the customer
    did not use it of late. `silent_days`: what a glance at the calendar says, as the month begins."""

    said: Said
    silent_days: int | None
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
    where nothing divides. `worth`: what the points are worth on these, beside the calendar."""

    months: tuple[MonthReport, ...]
    judged: tuple[Judged, ...]
    precision: Decimal | None
    recall: Decimal | None
    worth: Worth


def backtest(said: Iterable[Said], history: Mapping[str, Counts], known_until: date) -> Backtest:
    """Judge what was said against the days that followed. `known_until` is the first day that is not
    known; the first that is, is the first with any use."""
    known_from = min((day for counts in history.values() if (day := counts.first_day())), default=known_until)
    judged = tuple(
        _judged(one, history.get(one.customer, NOTHING), known_from, known_until)
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
        share(both, sum(one.said.at_risk for one in counted)),
        share(both, sum(bool(one.lost) for one in counted)),
        worth_of(
            {
                Score.POINTS: [one.said.score for one in counted],
                Score.CALENDAR: [one.silent_days for one in counted],
            },
            [one.said.customer for one in counted],
            [bool(one.lost) for one in counted],
        ),
    )


def _judged(said: Said, counts: Counts, known_from: date, known_until: date) -> Judged:
    start, end = add_months(said.at, -MONTHS_BEFORE), add_months(said.at, MONTHS_AHEAD)
    silent_days = counts.silence_before(said.at)
    if start < known_from or end > known_until or not is_judged(counts, said.at):
        return Judged(said, silent_days, None, None)
    before, after = counts.between(start, said.at), counts.between(said.at, end)
    change = (Decimal(after) / (end - said.at).days) / (Decimal(before) / (said.at - start).days) - 1
    return Judged(said, silent_days, change.quantize(PLACES), is_lost(counts, said.at))


def _month(at: date, judged: list[Judged]) -> MonthReport:
    known = any(one.lost is not None for one in judged)
    return MonthReport(
        at,
        len(judged),
        sum(one.said.at_risk for one in judged),
        sum(bool(one.lost) for one in judged) if known else None,
        sum(one.said.at_risk and bool(one.lost) for one in judged) if known else None,
    )
