"""What became of a term that ended, judged by the three months after it: a rule and nothing else. Pure.

The rule, stated once. Churned: 60 days in a row without use within the three months, or a contract that did not go on
and nothing settled afterwards. Contracted, expanded: fees and usage settled for the three months come to less than three
quarters, to more than five quarters, of those of the three months before. Else renewed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal

from services.signals.domain.material_loss import MONTHS_AHEAD, MONTHS_BEFORE, SILENT_DAYS_MAX
from shared.values.period import add_months

Outcome = Literal["renewed", "expanded", "contracted", "churned"]
LOST: Final = ("churned", "contracted")
CONTRACTED_BELOW, EXPANDED_ABOVE = Fraction(3, 4), Fraction(5, 4)


@dataclass(frozen=True, slots=True)
class Term:
    """A contract's term that ended before the day `end`. `goes_on`: the contract ran into a next one."""

    contract: str
    end: date
    goes_on: bool

    @property
    def before(self) -> date:
        """The first day of the three months before."""
        return add_months(self.end, -MONTHS_BEFORE)

    @property
    def after(self) -> date:
        """The first day after the three months."""
        return add_months(self.end, MONTHS_AHEAD)


@dataclass(frozen=True, slots=True)
class SettledPeriod:
    """Fees and usage settled of a service period, as last corrected. The dates are inclusive."""

    start: date
    end: date
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is known once the three months are over and settled. `used_on`: the days of use within them; None where
    nothing is metered of the customer. `settled`: every period that lies in the six months, if only in part. `is_older`:
    the contract ran through the three months before, so that there is something to compare."""

    used_on: Collection[date] | None
    settled: tuple[SettledPeriod, ...]
    is_older: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome and what it rests on: the longest run of days without use, and what was settled of both times, each
    rounded to a minor unit. None: not asked, or not to be compared."""

    outcome: Outcome
    silent_days: int | None
    currency: str | None
    before_minor: int | None
    after_minor: int | None


def judge(term: Term, known: Aftermath) -> Judgement:
    silent = None if known.used_on is None else longest_silence(known.used_on, term.end, term.after)
    compared = _compared(term, known.settled) if known.is_older else None
    outcome = _outcome(term, known, silent, compared)
    if compared is None:
        return Judgement(outcome, silent, None, None, None)
    code, before, after = compared
    return Judgement(outcome, silent, code, round(before), round(after))


def longest_silence(used_on: Collection[date], first: date, end: date) -> int:
    """Return the longest run of days of [first, end) without use."""
    longest = run = 0
    for number in range((end - first).days):
        run = 0 if first + timedelta(days=number) in used_on else run + 1
        longest = max(longest, run)
    return longest


def settled_between(periods: Iterable[SettledPeriod], first: date, end: date) -> Fraction:
    """Return what is settled of the days [first, end), exactly: a period that lies there in part counts by its days."""
    return sum((one.minor * _share_within(one, first, end) for one in periods), Fraction())


def _outcome(
    term: Term, known: Aftermath, silent: int | None, compared: tuple[str, Fraction, Fraction] | None
) -> Outcome:
    if silent is not None and silent >= SILENT_DAYS_MAX:
        return "churned"
    if not term.goes_on and not any(
        settled_between([one], term.end, term.after) > 0 for one in known.settled
    ):
        return "churned"
    if compared is None:
        return "renewed"
    _, before, after = compared
    if after < CONTRACTED_BELOW * before:
        return "contracted"
    return "expanded" if after > EXPANDED_ABOVE * before else "renewed"


def _compared(term: Term, settled: tuple[SettledPeriod, ...]) -> tuple[str, Fraction, Fraction] | None:
    """The currency, and what is settled before and after, not below nothing; None where there is none, or more than
    one: amounts of several are not compared."""
    currencies = {one.currency for one in settled if one.minor}
    if len(currencies) != 1:
        return None
    before = settled_between(settled, term.before, term.end)
    after = settled_between(settled, term.end, term.after)
    return currencies.pop(), max(before, Fraction()), max(after, Fraction())


def _share_within(one: SettledPeriod, first: date, end: date) -> Fraction:
    days = (one.end - one.start).days + 1
    within = (min(one.end + timedelta(days=1), end) - max(one.start, first)).days
    return Fraction(max(within, 0), days)
