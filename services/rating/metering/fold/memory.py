"""What a process remembers between its folds. It holds as long as nobody else has raised the epoch: who folds
is the only writer of what is remembered here."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.admission import MeterMonth, Names, Own
from services.rating.metering.domain.delta import SeriesKey
from services.rating.metering.domain.group import GroupKey
from shared.runtime.wake import Wake

OWN_GROUPS_KEPT_MAX = 200_000
NAMES_KEPT_MAX = 100_000


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
class FoldMemory:
    """`epoch`: the one this process wrote last, while what it remembers is true. `one_at_a_time`: of the folds
    of this process. `wake`: for the job that folds."""

    groups_max: int
    epoch: int | None = None
    admitting: Admitting = field(init=False)
    subjects: dict[int, str] = field(default_factory=dict)
    series: dict[SeriesKey, int] = field(default_factory=dict)
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    wake: Wake = field(default_factory=Wake)

    def __post_init__(self) -> None:
        self.admitting = Admitting(self.groups_max)

    def claimed(self, epoch: int) -> None:
        """Forget everything, where somebody else has held the rows since this process did."""
        if self.epoch is None or epoch != self.epoch + 1:
            self.forget()

    def committed(self, epoch: int) -> None:
        """Keep what is remembered: it is stored."""
        self.epoch = epoch
        if len(self.subjects) > NAMES_KEPT_MAX:
            self.subjects.clear()
        if len(self.series) > NAMES_KEPT_MAX:
            self.series.clear()

    def forget(self) -> None:
        self.epoch = None
        self.admitting = Admitting(self.groups_max)
        self.subjects.clear()
        self.series.clear()
