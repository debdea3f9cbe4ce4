"""What a process remembers between batches. Only what was read as committed is remembered, so a rollback can
never leave a wrong memory."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from services.rating.metering.domain.admission import MeterMonth, Names, Own
from services.rating.metering.domain.group import GroupKey
from services.rating.metering.domain.tally import Catalogue
from services.rating.settings import RatingSettings
from shared.runtime.clock import machine_us
from shared.runtime.context import Context, FromRequest

OWN_GROUPS_KEPT_MAX = 200_000
LATENESS_HOLDS_S = 1.0
LOOK_EVERY_S = 0.1


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
class MeteringMemory:
    """The catalogue at its revision with the values that contracts name, event types already noted, and known
    groups."""

    groups_max: int
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(-1, ()))
    names: Names = field(default_factory=Names)
    types: set[str] = field(default_factory=set)
    known: KnownGroups = field(default_factory=KnownGroups)
    # partition → offset up to which the store refused something: look closely
    doubted: dict[int, int] = field(default_factory=dict)
    _late_s: float = 0.0
    _metered_at: float = 0.0

    def metered(self, received_us: int) -> None:
        """Note when the newest event of a batch had been received, now that its turn has come."""
        self._late_s, self._metered_at = (machine_us() - received_us) / 1_000_000, time.monotonic()

    @property
    def behind_s(self) -> float:
        """How late this process meters usage; 0 when it has metered none of late."""
        return self._late_s if time.monotonic() - self._metered_at < LATENESS_HOLDS_S else 0.0

    async def wait_while_late(self, late_s: float, seconds: float) -> None:
        """Wait so many seconds, or until usage is metered less than `late_s` late."""
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0 and self.behind_s >= late_s:
            await asyncio.sleep(min(left_s, LOOK_EVERY_S))

    def renew(self, catalogue: Catalogue, names: Names) -> None:
        """Begin anew. A batch that is under way keeps what it had: its fence held the same catalogue."""
        self.catalogue, self.names, self.known = catalogue, names, KnownGroups()


class MeteringState(Protocol):
    """The part of the service's state that metering uses."""

    @property
    def metering(self) -> MeteringMemory: ...


MeteringContext = Context[RatingSettings, MeteringState]
Ctx = FromRequest[MeteringContext]
