"""What one customer did, by day: only days with use are kept, so that a panel of many customers fits in memory."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import accumulate, pairwise

from services.signals.domain.risk_probability import DAYS_A_WEEK, NEW_WEEKS, OLD_WEEKS, weeks_before

FALL_DAYS = (NEW_WEEKS + OLD_WEEKS) * DAYS_A_WEEK


class Counts:
    """Events by day; a day that is missing had none."""

    __slots__ = ("_days", "_until")

    def __init__(self, days: Iterable[tuple[date, int]]) -> None:
        """Each day once, in any order."""
        used = sorted((day.toordinal(), events) for day, events in days if events)
        self._days = array("i", [day for day, _ in used])
        #: Events before the day of the same place; one more at the end.
        self._until = array("q", accumulate((events for _, events in used), initial=0))

    def between(self, first: date, end: date) -> int:
        """Events of the days [first, end)."""
        return self._until[self._at(end)] - self._until[self._at(first)]

    def used_between(self, first: date, end: date) -> Iterator[tuple[date, int]]:
        """The days of [first, end) with use, and their events."""
        for at in range(self._at(first), self._at(end)):
            yield date.fromordinal(self._days[at]), self._until[at + 1] - self._until[at]

    def days_before(self, day: date) -> int:
        """Days with use before `day`."""
        return self._at(day)

    def first_day(self) -> date | None:
        return date.fromordinal(self._days[0]) if self._days else None

    def last_day_before(self, day: date) -> date | None:
        """The newest day with use before `day`."""
        at = self._at(day)
        return date.fromordinal(self._days[at - 1]) if at else None

    def silence_before(self, day: date) -> int | None:
        """Whole days without use since the last one with, as `day` begins; None before the first."""
        last = self.last_day_before(day)
        return (day - last).days - 1 if last is not None else None

    def longest_silence(self, first: date, end: date) -> int:
        """The most days in a row without use within [first, end)."""
        bounds = [first.toordinal() - 1, *self._days[self._at(first) : self._at(end)], end.toordinal()]
        return max(later - earlier - 1 for earlier, later in pairwise(bounds))

    def weeks_before(self, day: date) -> list[float]:
        """Counts of the whole weeks of seven days before `day`, oldest first: as many as `p_fall` reads, none before
        the first day with use."""
        if not self._at(day):
            return []
        end = day.toordinal()
        first = max(end - FALL_DAYS, self._days[0])
        days = [0] * (end - first)
        for at in range(bisect_left(self._days, first), self._at(day)):
            days[self._days[at] - first] = self._until[at + 1] - self._until[at]
        return weeks_before(days)

    def _at(self, day: date) -> int:
        return bisect_left(self._days, day.toordinal())
