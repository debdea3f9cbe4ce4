"""How the time of a period that a fee is charged for is counted."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from shared.pricing.clause import Clause
from shared.pricing.effective import Effective

Proration = Literal["day", "day_30", "strict_30", "second", "none"]
"""`day`: local days ÷ those of the whole period. `day_30`: local days ÷ 30 a month. `strict_30`: the same, of months
that all have 30 days: the 31st counts for none, the last of February for those it lacks. `second`: seconds ÷ those of
the whole period. `none`: nothing is counted, the fee is due whole."""
_MONTH: Final = 30
_SECOND: Final = timedelta(seconds=1)
Stretches = Sequence[Effective[Clause]]


class Counted(NamedTuple):
    """`whole` is what a whole period counts, `so_far` what each stretch does together with those before it."""

    whole: int
    so_far: tuple[int, ...]


def count(how: Proration, stretches: Stretches, months: int) -> Counted:
    """Count the stretches of a period of so many months. All of its days are the whole, however many they are counted
    as, and fewer are never more than that."""
    units_of, whole = _UNITS[how], _whole(how, stretches[0], months)
    units, days, so_far = 0, 0, []
    for one in stretches:
        units, days = units + units_of(one), days + one.days
        all_of_it = days == one.whole_days and how != "second"
        so_far.append(whole if all_of_it else min(units, whole))
    return Counted(whole, tuple(so_far))


def _whole(how: Proration, one: Effective[Clause], months: int) -> int:
    if how == "second":
        return one.period.whole_seconds
    return one.whole_days if how == "day" else _MONTH * months


def _days(one: Effective[Clause]) -> int:
    return one.days


def _days_of_30(one: Effective[Clause]) -> int:
    return _place(one.first_day + timedelta(days=one.days)) - _place(one.first_day)


def _place(day: date) -> int:
    """How many days are before it, where every month has 30."""
    return _MONTH * (12 * day.year + day.month) + min(day.day - 1, _MONTH)


def _seconds(one: Effective[Clause]) -> int:
    """A second belongs to what is in force when it begins, as a day does."""
    return _begun(one.end, one.period.start) - _begun(one.start, one.period.start)


def _begun(instant: datetime, start: datetime) -> int:
    return -((start - instant) // _SECOND)


_UNITS: Final[Mapping[Proration, Callable[[Effective[Clause]], int]]] = {
    "day": _days,
    "day_30": _days,
    "strict_30": _days_of_30,
    "second": _seconds,
}
