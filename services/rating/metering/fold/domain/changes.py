"""The deltas of one fold, put together by packed row."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from services.rating.metering.domain.admission import MeterMonth, month_of
from services.rating.metering.domain.delta import Delta, SeriesKey
from services.rating.metering.domain.group import NO_GROUP, GroupKey
from services.rating.metering.domain.hours import DAY_HOURS, day_of
from services.rating.metering.fold.domain.packed import Place
from services.rating.metering.fold.domain.rolled_up import RolledUp

#: Place of the series in `series`, events, scale, value in units of 10^-scale.
Change = tuple[int, int, int, int]
ItemPlace = tuple[int, int, int, str]  # subject number, place of the series in `series`, hour, item
TouchedNumber = tuple[int, int, str]  # subject number, hour since the epoch, event type
SubjectMonth = tuple[MeterMonth, int]  # … and subject number
Where = Callable[[int, str, GroupKey, int], GroupKey]  # of subject number, meter, group and hour


@dataclass(slots=True)
class Changes:
    """`series`: those that occur, each with its place. `sums`: what changes in each (subject, hour), in order of
    arrival; `items`: how many events more carry an item; `touched`: when the newest event of a subject, hour and type
    happened, what is void included."""

    series: dict[SeriesKey, int] = field(default_factory=dict)
    sums: dict[Place, list[Change]] = field(default_factory=dict)
    items: dict[ItemPlace, int] = field(default_factory=dict)
    touched: dict[TouchedNumber, int] = field(default_factory=dict)
    _deltas: list[Delta] = field(default_factory=list)

    def take(self, delta: Delta) -> None:
        """Add a delta. The loops are written out: they run for all that is ever added up."""
        places = self._places(delta)
        sums, columns = self.sums, delta.sums
        for subject, hour, place, events, scale, value in zip(
            columns.subjects,
            columns.hours,
            columns.series,
            columns.events,
            columns.scales,
            columns.values,
            strict=True,
        ):
            at = (subject, hour)
            change = (places[place], events, scale, value if type(value) is int else int(value))
            found = sums.get(at)
            if found is None:
                sums[at] = [change]
            else:
                found.append(change)
        items, listed = self.items, delta.items
        for subject, hour, place, item, events in zip(
            listed.subjects, listed.hours, listed.series, listed.items, listed.events, strict=True
        ):
            key = (subject, places[place], hour, item)
            items[key] = items.get(key, 0) + events
        self._deltas.append(delta)
        touched, newest, types = self.touched, delta.touched, delta.types
        for subject, hour, place, newest_us in zip(
            newest.subjects, newest.hours, newest.types, newest.newest_us, strict=True
        ):
            happened = (subject, hour, types[place])
            if touched.get(happened, newest_us) <= newest_us:
                touched[happened] = newest_us

    def of_days(self, rolled_up: RolledUp) -> dict[Place, list[Change]]:
        """What changes in each (subject, day) that is rolled up already."""
        found: dict[Place, list[Change]] = {}
        days: dict[int, date] = {}
        for (subject, hour), changes in self.sums.items():
            day = days.get(hour) or days.setdefault(hour, day_of(hour))
            if rolled_up.covers(subject, day):
                found.setdefault((subject, hour // DAY_HOURS), []).extend(changes)
        return found

    def groups(self, *, void: bool) -> dict[MeterMonth, set[GroupKey]]:
        """The groups that are added (or, if `void`, only taken from) by meter and month."""
        found: dict[MeterMonth, set[GroupKey]] = {}
        for delta in self._deltas:
            pairs: set[tuple[int, int]] = set()
            for columns in (delta.sums, delta.items):
                if min(columns.events, default=0) >= 0:
                    pairs.update(() if void else zip(columns.series, columns.hours, strict=True))
                    continue
                for place, hour, events in zip(columns.series, columns.hours, columns.events, strict=True):
                    if (events < 0) == void:
                        pairs.add((place, hour))
            for place, hour in pairs:
                meter, _, group = delta.series[place]
                if group != NO_GROUP:
                    found.setdefault((meter, month_of(hour)), set()).add(group)
        return found

    def by_subject(
        self, months: Collection[MeterMonth], *, void: bool
    ) -> dict[SubjectMonth, dict[GroupKey, None]]:
        """The groups of each subject in these months, in order of first arrival."""
        found: dict[SubjectMonth, dict[GroupKey, None]] = {}
        for subject, meter, group, hour, events in self._rows():
            month = (meter, month_of(hour))
            if group != NO_GROUP and (events < 0) == void and month in months:
                found.setdefault((month, subject), {})[group] = None
        return found

    def leave_out(self, meters: Collection[str]) -> None:
        """Add nothing of these meters."""
        gone = {place for (meter, _, _), place in self.series.items() if meter in meters}
        for at, changes in list(self.sums.items()):
            self.sums[at] = [change for change in changes if change[0] not in gone]
            if not self.sums[at]:
                del self.sums[at]
        self.items = {key: events for key, events in self.items.items() if key[1] not in gone}

    def regroup(self, months: Collection[MeterMonth], where: Where) -> None:
        """Let what falls into these months count in the group that `where` says. A series that nothing is counted
        in then is none: a producer's values would be numbered for ever."""
        keys = list(self.series)
        self.series = {}
        for (subject, hour), changes in self.sums.items():
            for n, (place, events, scale, value) in enumerate(changes):
                changes[n] = (self._moved(months, where, keys[place], subject, hour), events, scale, value)
        items: dict[ItemPlace, int] = {}
        for (subject, place, hour, item), events in self.items.items():
            key = (subject, self._moved(months, where, keys[place], subject, hour), hour, item)
            items[key] = items.get(key, 0) + events
        self.items = items

    def _moved(
        self, months: Collection[MeterMonth], where: Where, series: SeriesKey, subject: int, hour: int
    ) -> int:
        meter, since, group = series
        if group != NO_GROUP and (meter, month_of(hour)) in months:
            series = (meter, since, where(subject, meter, group, hour))
        return self.series.setdefault(series, len(self.series))

    def _rows(self) -> Iterator[tuple[int, str, GroupKey, int, int]]:
        """(subject number, meter, group, hour, events) of every row of the deltas; of several items as often."""
        for delta in self._deltas:
            for columns in (delta.sums, delta.items):
                for subject, hour, place, events in zip(
                    columns.subjects, columns.hours, columns.series, columns.events, strict=True
                ):
                    meter, _, group = delta.series[place]
                    yield subject, meter, group, hour, events

    def _places(self, delta: Delta) -> list[int]:
        """Place of a series in the delta → its place here."""
        series = self.series
        return [series.setdefault(key, len(series)) for key in delta.series]


def changes_of(deltas: Iterable[Delta]) -> Changes:
    """Put these together, in their order."""
    changes = Changes()
    for delta in deltas:
        changes.take(delta)
    return changes


def numbered(changes: Changes, numbers: Mapping[SeriesKey, int]) -> list[int]:
    """Place of a series in `changes.series` → its number."""
    return [numbers[key] for key in changes.series]
