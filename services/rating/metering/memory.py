"""What a process remembers between batches. Only what was read as committed is remembered, so a rollback can
never leave a wrong memory."""

import time
from dataclasses import dataclass, field
from typing import Protocol

from services.rating.metering.domain.tally import Catalogue
from services.rating.metering.fold.memory import FoldMemory
from services.rating.settings import RatingSettings
from shared.runtime.clock import machine_us
from shared.runtime.context import Context, FromRequest
from shared.values.recent import Recent

SUBJECTS_KEPT_MAX = 100_000
LATENESS_HOLDS_S = 1.0
LATE_S = 1.0  # so late is late


class KnownSubjects(Recent[str, int]):
    """Numbers of subjects that are committed."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(SUBJECTS_KEPT_MAX)


@dataclass(slots=True)
class MeteringMemory:
    """The catalogue at its revision, beside it what readers still see of meters that are added up anew (none:
    None), event types already noted, numbers of subjects, and what the fold remembers."""

    groups_max: int
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(-1, ()))
    before: Catalogue | None = None
    types: set[str] = field(default_factory=set)
    subjects: KnownSubjects = field(default_factory=KnownSubjects)
    fold: FoldMemory = field(init=False)
    # partition → offset up to which the store refused something: look closely
    doubted: dict[int, int] = field(default_factory=dict)
    _late_s: float = 0.0
    _metered_at: float = 0.0

    def __post_init__(self) -> None:
        self.fold = FoldMemory(self.groups_max)

    def metered(self, received_us: int) -> None:
        """Note when the newest event of a batch had been received, now that its turn has come."""
        self._late_s, self._metered_at = (machine_us() - received_us) / 1_000_000, time.monotonic()

    @property
    def behind_s(self) -> float:
        """How many seconds late this process meters usage; 0 when it has metered none of late."""
        return self._late_s if time.monotonic() - self._metered_at < LATENESS_HOLDS_S else 0.0

    @property
    def late(self) -> bool:
        """Whether usage waits to be metered: then it comes before what nobody looks at."""
        return self.behind_s >= LATE_S


class MeteringState(Protocol):
    """The part of the service's state that metering uses."""

    @property
    def metering(self) -> MeteringMemory: ...


MeteringContext = Context[RatingSettings, MeteringState]
Ctx = FromRequest[MeteringContext]
