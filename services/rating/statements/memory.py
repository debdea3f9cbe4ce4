"""What a process remembers of what it prices, and of the periods it closes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from services.rating.metering.memory import MeteringState
from services.rating.settings import RatingSettings
from services.rating.statements.rows import DuePeriod
from shared.db.floor import Floor
from shared.runtime.context import Context, FromRequest

log = structlog.get_logger()


class DueSince:
    """When this process first saw each period due, on the monotonic clock; tells which have waited too
    long."""

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self._since: dict[str, float] = {}

    def delayed(self, due: Sequence[DuePeriod]) -> list[DuePeriod]:
        """Return those that are due for longer than `after_s`, each once in that time."""
        now = time.monotonic()
        self._since = {period.reference: self._since.get(period.reference, now) for period in due}
        late = [period for period in due if now - self._since[period.reference] >= self.after_s]
        self._since.update({period.reference: now for period in late})
        return late


@dataclass(frozen=True)
class Closing:
    """One close at a time in a process, and what is due for how long."""

    since: DueSince
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True)
class Queues:
    """Where the next looks at marks and at due requests begin."""

    marks: Floor = field(default_factory=Floor)
    requests: Floor = field(default_factory=Floor)


@dataclass
class Pace:
    """How many drafts that nobody looks at waited to be told when that was counted last."""

    drafts: int = 0


@dataclass(frozen=True)
class Reading:
    """Pricing for those who look: two transactions at once, one at a time that turns marks into requests, and
    what goes on though its answer was given."""

    pricing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    fanning_out: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def keep(self, pricing: asyncio.Task[None]) -> None:
        """Hold on to what nobody may wait for any more: the event loop alone would forget it."""
        self._under_way.add(pricing)
        pricing.add_done_callback(self._end)

    def _end(self, pricing: asyncio.Task[None]) -> None:
        self._under_way.discard(pricing)
        if not pricing.cancelled() and (fault := pricing.exception()) is not None:
            log.error("pricing_for_reading_failed", fault=repr(fault))


class StatementsState(MeteringState, Protocol):
    """The part of the service's state that statements use, beside how late usage is metered."""

    @property
    def closing(self) -> Closing: ...

    @property
    def queues(self) -> Queues: ...

    @property
    def pace(self) -> Pace: ...

    @property
    def reading(self) -> Reading: ...


StatementsContext = Context[RatingSettings, StatementsState]
Ctx = FromRequest[StatementsContext]
