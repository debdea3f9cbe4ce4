"""A tally: what a set of events adds to the aggregates (or, voided, takes from them). Order and splits do not
matter."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.fields import FieldReader
from services.rating.metering.domain.group import NO_GROUP, GroupKey
from services.rating.metering.domain.reading import Contribution, MeterReader, Unread, paths_of

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
#: Subject, meter, group, hour (whole hours since the epoch).
HourKey = tuple[str, str, GroupKey, int]
ItemKey = tuple[str, str, GroupKey, int, str]  # … and item


class Measurable(Protocol):
    """An event as metering looks at it: a message, or one read back. `time_us` is µs since the epoch."""

    @property
    def type(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def time_us(self) -> int: ...
    @property
    def data(self) -> bytes | msgspec.Raw: ...


@dataclass(slots=True)
class Sum:
    events: int
    value: Decimal | int


@dataclass(slots=True)
class Tally:
    """Changes by key: of additive meters and unmetered types (`sums`), and of meters over items (`items`).

    `unread` counts, per meter, the events whose value could not be read.
    """

    sums: dict[HourKey, Sum] = field(default_factory=dict)
    items: dict[ItemKey, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)

    def places(self) -> Iterator[HourKey]:
        """Where something changes: (subject, meter, group, hour), in order of first arrival; of several items
        as often."""
        yield from self.sums
        for subject, meter, group, hour, _ in self.items:
            yield subject, meter, group, hour

    def groups(self) -> set[tuple[str, GroupKey, int]]:
        """The (meter, group, hour) that occur, groups without dimensions left out."""
        found = {(meter, group, hour) for _, meter, group, hour in self.sums if group != NO_GROUP}
        return found | {(meter, group, hour) for _, meter, group, hour, _ in self.items if group != NO_GROUP}

    def regrouped(self, mapped: Callable[[str, str, GroupKey, int], GroupKey]) -> "Tally":
        """The same changes with each group replaced by `mapped(subject, meter, group, hour)`, in order of
        first arrival."""
        changed = Tally(unread=self.unread)
        for (subject, meter, group, hour), change in self.sums.items():
            changed._add(
                (subject, meter, mapped(subject, meter, group, hour), hour), change.events, change.value
            )
        for (subject, meter, group, hour, item), count in self.items.items():
            changed._count((subject, meter, mapped(subject, meter, group, hour), hour, item), count)
        return changed

    def add(self, other: "Tally", sign: int = 1) -> None:
        """Add another tally."""
        for key, change in other.sums.items():
            self._add(key, sign * change.events, sign * change.value)
        for item, count in other.items.items():
            self._count(item, sign * count)

    def standing(self) -> "Tally":
        """The same without what came to nothing."""
        return Tally(
            {key: change for key, change in self.sums.items() if change.events},
            {item: count for item, count in self.items.items() if count},
            self.unread,
        )

    def take(self, other: "Tally") -> None:
        """Subtract another tally: what it counted is void."""
        self.add(other, -1)

    def _add(self, key: HourKey, events: int, value: Decimal | int) -> None:
        before = self.sums.get(key)
        if before is None:
            self.sums[key] = Sum(events, value)
        else:
            before.events += events
            before.value += value

    def _count(self, key: ItemKey, count: int) -> None:
        self.items[key] = self.items.get(key, 0) + count


class _TypeReaders:
    """The meters of one event type, and the one pass over `data` that feeds them all."""

    __slots__ = ("decode", "readers")

    def __init__(self, meters: Iterable[Meter]) -> None:
        taken = list(meters)
        fields = FieldReader(path for meter in taken for path in paths_of(meter))
        self.decode, self.readers = fields.decode, [MeterReader(meter, fields) for meter in taken]


class Catalogue:
    """The meters in force at one revision, ready to read events."""

    def __init__(self, revision: int, meters: Iterable[Meter]) -> None:
        self.revision = revision
        self.meters = {meter.meter: meter for meter in meters}
        by_type: dict[str, list[Meter]] = {}
        for meter in self.meters.values():
            by_type.setdefault(meter.event_type, []).append(meter)
        self._types = {event_type: _TypeReaders(found) for event_type, found in by_type.items()}

    def only(self, *meters: str) -> "Catalogue":
        """The same catalogue with these meters alone."""
        return Catalogue(self.revision, [self.meters[meter] for meter in meters])

    def readings(self, event: Measurable) -> list[tuple[str, Contribution | Unread]]:
        """Return what each meter that takes this event reads from it."""
        of_type = self._types.get(event.type)
        if of_type is None:
            return []
        fields = of_type.decode(event.data)
        return [
            (reader.name, found) for reader in of_type.readers if (found := reader.read(fields)) is not None
        ]

    def tally(self, events: Iterable[Measurable]) -> Tally:
        """Return what these events add. Types that no meter takes are counted as `type:<type>`.

        The loop is written out: it runs for every event there is.
        """
        tally, types = Tally(), self._types
        sums, items = tally.sums, tally.items
        for event in events:
            subject, hour, of_type = event.subject, event.time_us // HOUR_US, types.get(event.type)
            if of_type is None:
                tally._add((subject, "type:" + event.type, NO_GROUP, hour), 1, 1)
                continue
            fields = of_type.decode(event.data)
            value: Any
            for reader in of_type.readers:
                if reader.accepts is not None and not reader.accepts(fields):
                    continue
                value = 1 if reader.measure is None else reader.measure(fields)
                if value is None:
                    tally.unread[reader.name] = tally.unread.get(reader.name, 0) + 1
                elif reader.keeps_items:
                    item = (subject, reader.name, reader.grouped(fields), hour, value)
                    items[item] = items.get(item, 0) + 1
                else:
                    key = (subject, reader.name, reader.grouped(fields), hour)
                    before = sums.get(key)
                    if before is None:
                        sums[key] = Sum(1, value)
                    else:
                        before.events += 1
                        before.value += value
        return tally
