"""Whether a service is quiet: what lay on its topics is consumed, what was due is done, and what that led to is on the bus.

A moved business clock asks before it passes a due instant (`clock.business.quiet_request`); `shared.clock` carries the question and
the answer. What a quiet service said may wait at the next one, so the asker asks again, in rounds with one `quiet_at`, until the heads
of the bus stand still. Under live load they never do: then only what had arrived at `quiet_at` is followed through the topics.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: What comes from outside counts as arrived when the first round asks; a round later, what the door made of it.
LAST_ROUND = {"products": 1, "usage_ingest": 2}


@dataclass
class Quiet:
    """`await quiet(asked_at)`: True once everything that lay on the service's topics when this round was heard of is worked off."""

    context: Any                                                # shared.service.Context
    idle: Callable[[Any], Awaitable[bool]] | None = None
    _asked_at: datetime | None = None
    _round: int = 0
    _answered: bool = True
    _heads: dict[str, Mapping[int, int]] = field(default_factory=dict)
    _worked_off_at: datetime | None = None

    async def __call__(self, asked_at: datetime) -> bool:
        if self.context.consumer is None:                       # still starting: it has heard of nothing yet
            return False
        if asked_at != self._asked_at or self._answered:
            await self._begin(asked_at)
        if self._worked_off_at is None:
            if not await self._consumed() or (self.idle is not None and not await self.idle(self.context)):
                return False
            self._worked_off_at = await self.context.db.pool.fetchval("select clock_timestamp()")
        waiting = f"select exists (select from {self.context.name}.outbox where created_at <= $1)"
        self._answered = not await self.context.db.pool.fetchval(waiting, self._worked_off_at)
        if not self._answered:
            self.context.relay.wake()
        return self._answered

    async def _begin(self, asked_at: datetime) -> None:
        """A round: read the heads of the topics that may still bring what had arrived."""
        number = self._round + 1 if asked_at == self._asked_at else 1
        for subscribe in self.context.consumer.subscriptions:
            if number <= LAST_ROUND.get(subscribe.topic.producer, number):
                self._heads[subscribe.topic.name] = await self.context.bus.heads(subscribe.topic.name)
        self._asked_at, self._round, self._answered, self._worked_off_at = asked_at, number, False, None

    async def _consumed(self) -> bool:
        for topic, heads in self._heads.items():
            positions = await self.context.bus.positions(self.context.name, topic)
            if any(positions.get(partition, 0) < head for partition, head in heads.items()):
                return False
        return True
