"""What a process remembers of the periods it closes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.rating.metering.memory import MeteringState
from services.rating.settings import RatingSettings
from services.rating.statements.rows import DuePeriod
from shared.runtime.context import Context, FromRequest


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


class StatementsState(MeteringState, Protocol):
    """The part of the service's state that statements use, beside how late usage is metered."""

    @property
    def closing(self) -> Closing: ...


StatementsContext = Context[RatingSettings, StatementsState]
Ctx = FromRequest[StatementsContext]
