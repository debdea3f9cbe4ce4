"""A tally: what a set of events adds to the aggregates (or, voided, takes from them). Order and splits do not matter."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.group import NO_GROUP, Group
from services.rating.metering.domain.reading import Reader, Unread, reader_of
from services.rating.metering.domain.scalar import fields_of

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
HourKey = tuple[str, str, Group, int]            # subject, meter, group, hour (µs since the epoch)
UniqueKey = tuple[str, str, Group, int, str]     # … and item


class Sum(NamedTuple):
    events: int
    value: Decimal | int


class Measured(NamedTuple):
    """An event as metering looks at it. `time_us` is µs since the epoch."""

    type: str
    subject: str
    time_us: int
    data: bytes | msgspec.Raw


@dataclass(slots=True)
class Tally:
    """Changes by key. `unread` counts, per meter, the events whose value could not be read."""

    hours: dict[HourKey, Sum] = field(default_factory=dict)
    uniques: dict[UniqueKey, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)

    def days(self) -> dict[HourKey, Sum]:
        """The hours rolled up to UTC days."""
        found: dict[HourKey, Sum] = {}
        for (subject, meter, group, hour), (events, value) in self.hours.items():
            key = (subject, meter, group, hour - hour % DAY_US)
            before = found.get(key)
            found[key] = Sum(events, value) if before is None else Sum(before.events + events, before.value + value)
        return found

    def subjects(self, meter: str) -> set[str]:
        return {key[0] for key in self.hours if key[1] == meter} | {key[0] for key in self.uniques if key[1] == meter}

    def groups(self) -> set[tuple[str, Group, int]]:
        """The (meter, group, hour) that occur, groups without dimensions left out."""
        found = {(meter, group, hour) for _, meter, group, hour in self.hours if group != NO_GROUP}
        return found | {(meter, group, hour) for _, meter, group, hour, _ in self.uniques if group != NO_GROUP}

    def regrouped(self, mapped: Callable[[str, str, Group, int], Group]) -> "Tally":
        """The same changes with each group replaced by `mapped(subject, meter, group, hour)`, in order of first arrival."""
        changed = Tally(unread=self.unread)
        for (subject, meter, group, hour), (events, value) in self.hours.items():
            _add(changed.hours, (subject, meter, mapped(subject, meter, group, hour), hour), events, value)
        for (subject, meter, group, hour, item), count in self.uniques.items():
            key = (subject, meter, mapped(subject, meter, group, hour), hour, item)
            changed.uniques[key] = changed.uniques.get(key, 0) + count
        return changed

    def add(self, other: "Tally", sign: int = 1) -> None:
        """Add another tally."""
        for key, (events, value) in other.hours.items():
            _add(self.hours, key, sign * events, sign * value)
        for unique, count in other.uniques.items():
            self.uniques[unique] = self.uniques.get(unique, 0) + sign * count

    def take(self, other: "Tally") -> None:
        """Subtract another tally: what it counted is void."""
        self.add(other, -1)


class Catalogue:
    """The meters in force at one revision, ready to read events."""

    def __init__(self, revision: int, meters: Iterable[Meter]) -> None:
        self.revision = revision
        self.meters = {meter.meter: meter for meter in meters}
        self._readers: dict[str, list[tuple[str, Reader, bool]]] = {}
        for meter in self.meters.values():
            self._readers.setdefault(meter.event_type, []).append((meter.meter, reader_of(meter), meter.aggregation == "unique"))

    def takes(self, event_type: str) -> bool:
        """Whether any meter counts events of this type."""
        return event_type in self._readers

    def only(self, *meters: str) -> "Catalogue":
        """The same catalogue with these meters alone."""
        return Catalogue(self.revision, [self.meters[meter] for meter in meters])

    def without(self, meters: Iterable[str]) -> "Catalogue":
        """The same catalogue, blind to these meters. Their event types do not fall back to plain counts."""
        left_out = frozenset(meters)
        found = Catalogue(self.revision, [meter for name, meter in self.meters.items() if name not in left_out])
        for name in left_out & self.meters.keys():
            found._readers.setdefault(self.meters[name].event_type, [])
        return found

    def tally(self, events: Iterable[Any]) -> Tally:
        """Return what these events (each with type, subject, time_us, data) add. Types that no meter takes are counted as `type:<type>`."""
        tally = Tally()
        hours, uniques, readers_of = tally.hours, tally.uniques, self._readers
        for event in events:
            hour = event.time_us - event.time_us % HOUR_US
            readers = readers_of.get(event.type)
            if readers is None:
                _add(hours, (event.subject, "type:" + event.type, NO_GROUP, hour), 1, 1)
                continue
            fields = fields_of(event.data)
            for meter, read, is_unique in readers:
                found = read(fields)
                if found is None:
                    continue
                if isinstance(found, Unread):
                    tally.unread[meter] = tally.unread.get(meter, 0) + 1
                elif is_unique:
                    unique = (event.subject, meter, found.group, hour, found.item or "")
                    uniques[unique] = uniques.get(unique, 0) + 1
                else:
                    _add(hours, (event.subject, meter, found.group, hour), 1, found.value)
        return tally


def _add(sums: dict[HourKey, Sum], key: HourKey, events: int, value: Decimal | int) -> None:
    before = sums.get(key)
    sums[key] = Sum(events, value) if before is None else Sum(before[0] + events, before[1] + value)
