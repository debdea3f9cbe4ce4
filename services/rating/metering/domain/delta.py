"""What a batch changes, as it waits to be folded: columns of numbers, with the names they stand for written
once."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from services.rating.metering.domain.group import GroupKey
from services.rating.metering.domain.tally import HourKey, ItemKey, Sum, Tally

FITS = 2**62
SeriesKey = tuple[str, int, GroupKey]  # meter, the revision it counts so since, group
Touched = tuple[str, int, str]  # subject, hour since the epoch, event type


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
    """Return what is added and what is void, apart: a group is admitted by what is added."""
    made = _Made(numbers)
    for tally, sign in ((added, 1), (voided, -1)):
        made.take_sums(tally.sums, sign)
        made.take_items(tally.items, sign)
    types: dict[str, int] = {}
    touches = Touches(
        [numbers.subjects[subject] for subject, _, _ in touched],
        [hour for _, hour, _ in touched],
        [types.setdefault(event_type, len(types)) for _, _, event_type in touched],
        list(touched.values()),
    )
    since = numbers.since
    series = [(meter, since.get(meter, 0), group) for meter, group in made.series]
    return Delta(1, received_us, series, list(types), made.sums, made.items, touches)


class _Made:
    """Columns as they grow, each by one pass over what it comes from: this runs for every event there is."""

    def __init__(self, numbers: Numbers) -> None:
        self.subjects = numbers.subjects
        self.series: dict[tuple[str, GroupKey], int] = {}
        self.sums = Sums([], [], [], [], [], [])
        self.items = Items([], [], [], [], [])

    def take_sums(self, found: Mapping[HourKey, Sum], sign: int) -> None:
        columns, subjects, series = self.sums, self.subjects, self.series
        columns.subjects += [subjects[key[0]] for key in found]
        columns.series += [series.setdefault(key[1:3], len(series)) for key in found]
        columns.hours += [key[3] for key in found]
        columns.events += [sign * change.events for change in found.values()]
        values = [scaled(change.value) for change in found.values()]
        columns.scales += [scale for scale, _ in values]
        columns.values += [sign * value if -FITS < value < FITS else str(sign * value) for _, value in values]

    def take_items(self, found: Mapping[ItemKey, int], sign: int) -> None:
        columns, subjects, series = self.items, self.subjects, self.series
        columns.subjects += [subjects[key[0]] for key in found]
        columns.series += [series.setdefault(key[1:3], len(series)) for key in found]
        columns.hours += [key[3] for key in found]
        columns.items += [key[4] for key in found]
        columns.events += [sign * count for count in found.values()]


def scaled(value: Decimal | int) -> tuple[int, int]:
    """Return (scale, the value in units of 10^-scale)."""
    if isinstance(value, int):
        return 0, value
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    whole, _, part = text.partition(".")
    return len(part), int(whole + part)
