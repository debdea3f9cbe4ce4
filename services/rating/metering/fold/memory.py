"""What a process remembers between its folds. It holds as long as nobody else has raised the epoch: who folds
is the only writer of what is remembered here.

All of it together takes 64 MiB at most, 36 of them packed rows, and what was used least of late goes first. Beside it
stand the catalogue with the values that contracts name, and what one fold changes.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from sys import getsizeof

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.activity.domain import Takers
from services.rating.metering.domain.admission import MeterMonth, Names, Own
from services.rating.metering.domain.delta import SeriesKey
from services.rating.metering.domain.group import GroupKey
from services.rating.metering.fold.domain.changes import TouchedNumber
from services.rating.metering.fold.domain.packed import ELEMENT, Packed, Place
from shared.runtime.wake import Wake
from shared.values.names import UNMETERED
from shared.values.recent import Budget, Recent

#: Packed rows, and all the rest together.
ROWS_BYTES_MAX, NAMES_BYTES_MAX = 36 * 2**20, 28 * 2**20
#: What each takes beside its texts and columns, its share of the dicts that hold it included.
ROW_BYTES, INSTANT_BYTES, NAME_BYTES, SERIES_BYTES, OWN_BYTES = 600, 270, 140, 260, 600
#: Of a number of a wide row, and of a text in a set.
WIDE_BYTES, TEXT_BYTES = 60, 70


def _group_bytes(groups: Iterable[GroupKey]) -> int:
    return sum(TEXT_BYTES + getsizeof(group) for group in groups)


class KnownGroups:
    """Rows of admitted groups. `months`: those that stand for every subject; None: the month is crowded. `own`:
    in crowded months those of single subjects."""

    __slots__ = ("months", "own")

    def __init__(self, budget: Budget) -> None:
        self.months: Recent[MeterMonth, Set[GroupKey] | None] = Recent(
            budget, lambda _, groups: OWN_BYTES + _group_bytes(groups or ())
        )
        self.own: Recent[tuple[MeterMonth, str], Own] = Recent(
            budget, lambda key, own: OWN_BYTES + getsizeof(key[1]) + _group_bytes(own.groups)
        )

    def let_in(self, groups: Iterable[GroupKey]) -> None:
        """Reckon with groups that rows of single subjects were given."""
        self.own.grew(_group_bytes(groups))


@dataclass(slots=True)
class Admitting:
    """What admission needs: the meters at a revision of the catalogue, the values that contracts name, and
    known groups."""

    groups_max: int
    known: KnownGroups
    revision: int = -1
    meters: Mapping[str, Meter] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    def not_all_taken(self, touched: Iterable[TouchedNumber]) -> set[int]:
        """Those of these subjects that have events of a type of which no meter takes all."""
        taken = {meter.event_type for meter in self.meters.values() if not meter.filters}
        return {subject for subject, _, event_type in touched if event_type not in taken}


class Readable:
    """What readers see: since when each meter counts as they see it, what it takes by these terms, and the meter
    of each series (None: they do not see it)."""

    __slots__ = ("meters", "since", "takers")

    def __init__(self, budget: Budget, since: Mapping[str, int], takers: Takers) -> None:
        self.since, self.takers = since, takers
        self.meters: Recent[int, str | None] = Recent(
            budget, lambda _, meter: NAME_BYTES + (getsizeof(meter) if meter is not None else 0)
        )

    def since_of(self, meter: str) -> int | None:
        """None: readers see nothing of it. A type that no meter takes counts as it always did."""
        return self.since.get(meter, 0 if meter.startswith(UNMETERED) else None)

    def note(self, named: Mapping[int, tuple[str, int]]) -> dict[int, str | None]:
        """Take in what these series are: a meter, and since when it counts so. Return the meter of each."""
        found = {
            number: meter if self.since_of(meter) == since else None
            for number, (meter, since) in named.items()
        }
        self.meters.remember(found)
        return found


@dataclass(slots=True)
class KnownRows:
    """Packed rows as they were written last, those that changed least of late left out beyond a bound."""

    bytes_max: int = ROWS_BYTES_MAX
    _rows: OrderedDict[Place, Packed] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def among(self, places: Iterable[Place]) -> tuple[dict[Place, Packed], list[Place]]:
        """The rows at these places that are known, and the places of the others."""
        found: dict[Place, Packed] = {}
        unknown: list[Place] = []
        for place in places:
            row = self._rows.get(place)
            if row is None:
                unknown.append(place)
            else:
                found[place] = row
        return found, unknown

    def keep(self, rows: Mapping[Place, Packed]) -> None:
        for place, row in rows.items():
            # three columns, each with an eighth of its size to grow into
            weight = ROW_BYTES + len(row.series) * 7 // 2
            if row.wide is not None:
                weight += WIDE_BYTES * len(row.series) // ELEMENT
            self._bytes += weight - row.weight
            row.weight = weight
            self._rows[place] = row
            self._rows.move_to_end(place)
        while self._bytes > self.bytes_max:
            _, row = self._rows.popitem(last=False)
            self._bytes -= row.weight

    def clear(self) -> None:
        self._rows.clear()
        self._bytes = 0


@dataclass(slots=True)
class FoldMemory:
    """`epoch`: the one this process wrote last, while what it remembers is true. `instants`: when the newest
    event of a subject, hour and type happened. `one_at_a_time`: of the folds of this process. `wake`: for the
    job that folds. `replaced`: whether there are series that nobody reads any more.
    `old_book_left`: unless it is known that nothing of before the folds is left; its subjects up to
    `old_book_after` are packed."""

    groups_max: int
    epoch: int | None = None
    budget: Budget = field(init=False)
    admitting: Admitting = field(init=False)
    subjects: Recent[int, str] = field(init=False)
    series: Recent[SeriesKey, int] = field(init=False)
    rows: KnownRows = field(default_factory=KnownRows)
    readable: Readable = field(init=False)
    instants: Recent[TouchedNumber, int] = field(init=False)
    replaced: bool = False
    old_book_left: bool = True
    old_book_after: str = ""
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    wake: Wake = field(default_factory=Wake)

    def __post_init__(self) -> None:
        self.forget()

    def claimed(self, before: int) -> None:
        """Forget everything, where the epoch before was not this process's: somebody else has held the rows."""
        if before != self.epoch:
            self.forget()

    def committed(self, epoch: int) -> None:
        """Keep what is remembered: it is stored."""
        self.epoch = epoch

    def forget(self) -> None:
        self.epoch = None
        self.budget = Budget(NAMES_BYTES_MAX)
        self.admitting = Admitting(self.groups_max, KnownGroups(self.budget))
        self.readable = Readable(self.budget, {}, Takers(()))
        self.subjects = Recent(self.budget, lambda _, name: NAME_BYTES + getsizeof(name))
        self.series = Recent(self.budget, lambda key, _: SERIES_BYTES + getsizeof(key[2]))
        self.instants = Recent(self.budget, INSTANT_BYTES)
        self.replaced = False
        self.old_book_left, self.old_book_after = True, ""
        self.rows.clear()
