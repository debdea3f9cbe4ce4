"""What a batch changes, as it waits to be folded: columns of numbers, with the names they stand for written
once."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from services.rating.metering.domain.arrival import UsageUnstorable
from services.rating.metering.domain.group import GroupKey
from services.rating.metering.domain.tally import Sum, Tally

FITS = 2**62
#: Subject, meter and group are one key of an index, whose rows are bounded.
KEY_BYTES_MAX = 2600
SUSPECT_BYTES = 1000
SeriesKey = tuple[str, int, GroupKey]  # meter, the revision it counts so since, group
Touched = tuple[str, int, str]  # subject, hour since the epoch, event type


class NamesTooLong(UsageUnstorable):
    """Names and dimensions of an event together outgrow what an index can hold."""


class Sums(msgspec.Struct, array_like=True, gc=False):
    """Columns: subject number, hour since the epoch, place of the series in `series`, events, and the value in
    units of 10^-scale, or as text where that is no number of 62 bits. What is void has fewer than 0 events."""

    subjects: list[int]
    hours: list[int]
    series: list[int]
    events: list[int]
    scales: list[int]
    values: list[int | str]


class Items(msgspec.Struct, array_like=True, gc=False):
    """Columns, as those of sums."""

    subjects: list[int]
    hours: list[int]
    series: list[int]
    items: list[str]
    events: list[int]


class Touches(msgspec.Struct, array_like=True, gc=False):
    """Columns: subject number, hour since the epoch, place of the event type in `types`, and the newest event's
    time, what is void included."""

    subjects: list[int]
    hours: list[int]
    types: list[int]
    newest_us: list[int]


class Delta(msgspec.Struct, array_like=True, gc=False):
    """One batch. `received_us`: when the newest of its messages was received (machine clock); 0: it has none.
    `touched`: whose usage changed, also where no aggregate shows it. `before`: what it adds and takes, and no more,
    by the terms that readers still see, of meters whose events are being added up by new ones."""

    version: Literal[1]
    received_us: int
    series: list[SeriesKey]
    types: list[str]
    sums: Sums
    items: Items
    touched: Touches
    before: "Delta | None" = None


class Numbers(NamedTuple):
    """Subject → its number, and meter → since when it counts as it does (absent: a type that no meter
    takes)."""

    subjects: Mapping[str, int]
    since: Mapping[str, int]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Delta).decode


def delta_of(
    added: Tally, voided: Tally, touched: Mapping[Touched, int], received_us: int, numbers: Numbers
) -> Delta:
    """Return what is added and what is void, apart: a group is admitted by what is added. Raises
    NamesTooLong."""
    made = _Made(numbers)
    for tally, sign in ((added, 1), (voided, -1)):
        made.take(tally, sign)
    for (subject, hour, event_type), newest_us in touched.items():
        made.touch(subject, hour, event_type, newest_us)
    return Delta(1, received_us, list(made.series), list(made.types), made.sums, made.items, made.touched)


class _Made:
    """Columns as they grow."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.series: dict[SeriesKey, int] = {}
        self.types: dict[str, int] = {}
        self.sums = Sums([], [], [], [], [], [])
        self.items = Items([], [], [], [], [])
        self.touched = Touches([], [], [], [])

    def take(self, tally: Tally, sign: int) -> None:
        sums, items, number_of = self.sums, self.items, self.numbers.subjects
        for (subject, meter, group, hour), change in tally.sums.items():
            scale, value = scaled(sign * change.value)
            sums.subjects.append(number_of[subject])
            sums.hours.append(hour)
            sums.series.append(self._place(subject, meter, group))
            sums.events.append(sign * change.events)
            sums.scales.append(scale)
            sums.values.append(value if -FITS < value < FITS else str(value))
        for (subject, meter, group, hour, item), count in tally.items.items():
            items.subjects.append(number_of[subject])
            items.hours.append(hour)
            items.series.append(self._place(subject, meter, group))
            items.items.append(item)
            items.events.append(sign * count)

    def touch(self, subject: str, hour: int, event_type: str, newest_us: int) -> None:
        self.touched.subjects.append(self.numbers.subjects[subject])
        self.touched.hours.append(hour)
        self.touched.types.append(self.types.setdefault(event_type, len(self.types)))
        self.touched.newest_us.append(newest_us)

    def _place(self, subject: str, meter: str, group: GroupKey) -> int:
        if len(group) > SUSPECT_BYTES:
            size = len(f"{subject}{meter}{group}".encode())
            if size > KEY_BYTES_MAX:
                raise NamesTooLong(f"they are {size} bytes of at most {KEY_BYTES_MAX}")
        return self.series.setdefault((meter, self.numbers.since.get(meter, 0), group), len(self.series))


def scaled(value: Decimal | int) -> tuple[int, int]:
    """Return (scale, the value in units of 10^-scale)."""
    if isinstance(value, int):
        return 0, value
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "a quantity is finite"
    scale = max(-exponent, 0)
    return scale, int(value.scaleb(scale))


def unscaled(scale: int, value: int | str) -> Decimal | int:
    """Return the number; exact."""
    return Decimal(value).scaleb(-scale) if scale else int(value)


def tallies_of(delta: Delta, subjects: Mapping[int, str]) -> tuple[Tally, Tally]:
    """Return what was added and what was void, by names."""
    added, voided = Tally(), Tally()
    sums, items = delta.sums, delta.items
    for number, hour, place, events, scale, value in zip(
        sums.subjects, sums.hours, sums.series, sums.events, sums.scales, sums.values, strict=True
    ):
        meter, _, group = delta.series[place]
        key, change = (subjects[number], meter, group, hour), Sum(events, unscaled(scale, value))
        (added if events > 0 else voided).sums[key] = change
    for number, hour, place, item, count in zip(
        items.subjects, items.hours, items.series, items.items, items.events, strict=True
    ):
        meter, _, group = delta.series[place]
        (added if count > 0 else voided).items[subjects[number], meter, group, hour, item] = count
    return added, voided
