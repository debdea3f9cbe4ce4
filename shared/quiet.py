"""Whether a service is quiet: what lay on its topics is consumed, what was due is done, and what that led to is on the bus.

A moved business clock asks before it passes a due instant (`clock.business.quiet_request`); `shared.clock` carries the question and
the answer. What a quiet service said may wait at the next one, so the asker asks again until the heads of the bus stand still.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Quiet:
    """`await quiet(asked_at)`: True once everything that had arrived when the question of `asked_at` was first heard is worked off."""

    context: Any                                                # shared.service.Context
    idle: Callable[[Any], Awaitable[bool]] | None = None
    _asked_at: datetime | None = None
    _heads: dict[str, Mapping[int, int]] = field(default_factory=dict)
    _worked_off_at: datetime | None = None

    async def __call__(self, asked_at: datetime) -> bool:
        if asked_at != self._asked_at:
            self._heads = {topic: await self.context.bus.heads(topic) for topic in self._topics()}
            self._asked_at, self._worked_off_at = asked_at, None
        if self._worked_off_at is None:
            if not await self._consumed() or (self.idle is not None and not await self.idle(self.context)):
                return False
            self._worked_off_at = await self.context.db.pool.fetchval("select clock_timestamp()")
        waiting = f"select exists (select from {self.context.name}.outbox where created_at <= $1)"
        return not await self.context.db.pool.fetchval(waiting, self._worked_off_at)

    def _topics(self) -> list[str]:
        return [subscribe.topic.name for subscribe in self.context.consumer.subscriptions] if self.context.consumer else []

    async def _consumed(self) -> bool:
        for topic, heads in self._heads.items():
            positions = await self.context.bus.positions(self.context.name, topic)
            if any(positions.get(partition, 0) < head for partition, head in heads.items()):
                return False
        return True
