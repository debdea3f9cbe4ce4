"""What a process remembers between its folds. It holds as long as nobody else has raised the epoch: who folds
is the only writer of what is remembered here."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.activity.domain import Takers
from services.rating.metering.domain.admission import MeterMonth, Names, Own
from services.rating.metering.domain.delta import SeriesKey
from services.rating.metering.domain.group import GroupKey
from services.rating.metering.fold.domain.changes import TouchedNumber
from services.rating.metering.fold.domain.packed import Packed, Place
from shared.runtime.wake import Wake
from shared.values.names import UNMETERED
from shared.values.recent import Recent

OWN_GROUPS_KEPT_MAX = 200_000
NAMES_KEPT_MAX = 50_000
#: About; a row without its columns takes 600.
ROWS_BYTES_MAX, ROW_BYTES = 32 * 2**20, 600
INSTANTS_KEPT_MAX = 60_000


@dataclass(slots=True)
class KnownGroups:
    """Rows of admitted groups: those that stand for every subject, and in crowded months those of single
    subjects."""

    groups: dict[MeterMonth, set[GroupKey]] = field(default_factory=dict)
    own: dict[MeterMonth, dict[str, Own]] = field(default_factory=dict)
    _kept: int = 0

    def remember(self, place: MeterMonth, rows: dict[str, Own]) -> None:
        """Keep the rows of these subjects; beyond a bound begin anew, as whoever is not remembered is read
        again."""
        self._kept += sum(1 + len(own.groups) for own in rows.values())
        if self._kept > OWN_GROUPS_KEPT_MAX:
            self._kept = 0
            self.own.clear()
        self.own.setdefault(place, {}).update(rows)


@dataclass(slots=True)
class Admitting:
    """What admission needs: the meters at a revision of the catalogue, the values that contracts name, and
    known groups."""

    groups_max: int
    revision: int = -1
    meters: Mapping[str, Meter] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    known: KnownGroups = field(default_factory=KnownGroups)


@dataclass(slots=True)
class Readable:
    """What readers see: since when each meter counts as they see it, what it takes by these terms, and the meter
    of each series (None: they do not see it)."""

    since: Mapping[str, int] = field(default_factory=dict)
    takers: Takers = field(default_factory=lambda: Takers(()))
    meters: dict[int, str | None] = field(default_factory=dict)

    def since_of(self, meter: str) -> int | None:
        """None: readers see nothing of it. A type that no meter takes counts as it always did."""
        return self.since.get(meter, 0 if meter.startswith(UNMETERED) else None)

    def note(self, named: Mapping[int, tuple[str, int]]) -> None:
        """Take in what these series are: a meter, and since when it counts so."""
        for number, (meter, since) in named.items():
            self.meters[number] = meter if self.since_of(meter) == since else None


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
            weight = ROW_BYTES + 3 * len(row.series)
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
    job that folds. `unread`: series that nobody reads any more.
    `old_book_left`: unless it is known that nothing of before the folds is left; its subjects up to
    `old_book_after` are packed."""

    groups_max: int
    epoch: int | None = None
    admitting: Admitting = field(init=False)
    subjects: dict[int, str] = field(default_factory=dict)
    series: dict[SeriesKey, int] = field(default_factory=dict)
    rows: KnownRows = field(default_factory=KnownRows)
    readable: Readable = field(default_factory=Readable)
    instants: Recent[TouchedNumber, int] = field(default_factory=partial(Recent, INSTANTS_KEPT_MAX))
    unread: frozenset[int] = frozenset()
    old_book_left: bool = True
    old_book_after: str = ""
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    wake: Wake = field(default_factory=Wake)

    def __post_init__(self) -> None:
        self.admitting = Admitting(self.groups_max)

    def claimed(self, before: int) -> None:
        """Forget everything, where the epoch before was not this process's: somebody else has held the rows."""
        if before != self.epoch:
            self.forget()

    def committed(self, epoch: int) -> None:
        """Keep what is remembered: it is stored."""
        self.epoch = epoch
        if len(self.subjects) > NAMES_KEPT_MAX:
            self.subjects.clear()
        if len(self.series) > NAMES_KEPT_MAX:
            self.series.clear()
        if len(self.readable.meters) > NAMES_KEPT_MAX:
            self.readable.meters.clear()

    def forget(self) -> None:
        self.epoch = None
        self.admitting = Admitting(self.groups_max)
        self.subjects.clear()
        self.series.clear()
        self.readable = Readable()
        self.unread = frozenset()
        self.instants = Recent(INSTANTS_KEPT_MAX)
        self.old_book_left, self.old_book_after = True, ""
        self.rows.clear()
