"""What one customer did on one meter, rolled up by local day and week: the one row a daily evaluation reads
of a metric family."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

#: Days: sixteen weeks of use, and some of what comes after the evaluated day.
DAYS_MAX, WEEKS_MAX = 120, 160
WEEK = timedelta(days=7)


@dataclass(slots=True)
class Rollup:
    """Events and value by local day (the newest `DAYS_MAX`) and events by week from Monday (the newest
    `WEEKS_MAX`).

    `days[i]` belongs to `days_from + i`, `weeks[i]` to the week that starts on the Monday `weeks_from + 7 i`.
    Voided events are out.
    `total` is the value of all days ever; it adds for count and sum meters and means nothing for a unique
    one.
    """

    meter: str
    days_from: date
    weeks_from: date
    days: list[int] = field(default_factory=list)
    values: list[Decimal] = field(default_factory=list)
    weeks: list[int] = field(default_factory=list)
    total: Decimal = Decimal()
    last_seen_us: int = 0
    #: The newest day with an event that is no longer kept by day.
    gone_on: date | None = None

    def add(self, day: date, events: int, value: Decimal) -> None:
        """Add a difference; a day before those that are kept changes the total and its week only."""
        self.total += value
        self._add_to_week(monday(day), events)
        index = (day - self.days_from).days
        if index < 0:
            self._note_gone(day, events)
            return
        grown = index + 1 - len(self.days)
        if grown > 0:
            self.days.extend([0] * grown)
            self.values.extend([Decimal()] * grown)
        self.days[index] += events
        self.values[index] += value
        self._trim()

    def events_between(self, first: date, end: date) -> int:
        """Events of the local days [first, end), of those that are kept by day."""
        return sum(self.days[self._at(first) : self._at(end)])

    def days_between(self, first: date, end: date) -> list[int]:
        """Events of each local day in [first, end), oldest first; a day that is not kept counts as 0."""
        before = min(max((self.days_from - first).days, 0), max((end - first).days, 0))
        kept = self.days[self._at(first) : self._at(end)]
        return [0] * before + kept + [0] * ((end - first).days - before - len(kept))

    def value_between(self, first: date, end: date) -> Decimal | None:
        """Value of the local days [first, end); None when some of them are no longer kept by day."""
        if first < self.days_from and self.total != sum(self.values, Decimal()):
            return None
        return sum(self.values[self._at(first) : self._at(end)], Decimal())

    def total_before(self, day: date) -> Decimal:
        """Value of all days before `day`."""
        return self.total - sum(self.values[self._at(day) :], Decimal())

    def last_day_before(self, day: date) -> date | None:
        """The newest day with an event before `day`, as far as days are kept."""
        for index in range(min(self._at(day), len(self.days)) - 1, -1, -1):
            if self.days[index]:
                return self.days_from + timedelta(days=index)
        return self.gone_on if self.gone_on is not None and self.gone_on < day else None

    def first_day(self) -> date | None:
        """The first day with an event; where days are no longer kept, the Monday of its week."""
        week = next((self.weeks_from + WEEK * at for at, events in enumerate(self.weeks) if events), None)
        if week is None or week < self.days_from:
            return week
        return next(
            (self.days_from + timedelta(days=at) for at, events in enumerate(self.days) if events), None
        )

    def weeks_between(self, first: date, end: date) -> list[int]:
        """Events of the whole weeks in [first, end), oldest first; weeks after the newest event count as
        0."""
        start = max(first + timedelta(days=-first.weekday() % 7), self.weeks_from)
        wanted = (end - start).days // 7
        if wanted <= 0:
            return []
        index = (start - self.weeks_from).days // 7
        kept = self.weeks[index : index + wanted]
        return kept + [0] * (wanted - len(kept))

    def _at(self, day: date) -> int:
        return max((day - self.days_from).days, 0)

    def _add_to_week(self, week: date, events: int) -> None:
        index = (week - self.weeks_from).days // 7
        if len(self.weeks) - index > WEEKS_MAX:
            # Older than any week that is kept.
            return
        if index < 0:
            self.weeks[:0] = [0] * -index
            self.weeks_from, index = week, 0
        self.weeks.extend([0] * (index + 1 - len(self.weeks)))
        self.weeks[index] += events

    def _note_gone(self, day: date, events: int) -> None:
        if events > 0 and (self.gone_on is None or day > self.gone_on):
            self.gone_on = day

    def _trim(self) -> None:
        if len(self.days) > DAYS_MAX:
            gone = len(self.days) - DAYS_MAX
            for at in range(gone):
                self._note_gone(self.days_from + timedelta(days=at), self.days[at])
            del self.days[:gone], self.values[:gone]
            self.days_from += timedelta(days=gone)
        if len(self.weeks) > WEEKS_MAX:
            gone = len(self.weeks) - WEEKS_MAX
            del self.weeks[:gone]
            self.weeks_from += WEEK * gone


def fresh(meter: str, day: date) -> Rollup:
    """An empty roll-up that keeps days from a while before `day`, so that what arrives out of order still
    finds its place."""
    return Rollup(meter, day - timedelta(days=DAYS_MAX // 2), monday(day))


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def rolled_up(meter: str, days: Sequence[tuple[date, int, Decimal]]) -> Rollup:
    """A roll-up of known days (day, events, value), for example of a history."""
    rollup = fresh(meter, min(day for day, _, _ in days))
    for day, events, value in sorted(days):
        rollup.add(day, events, value)
    return rollup
