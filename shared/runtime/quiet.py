"""When a service is quiet: what lay on its topics is consumed, what was due is done, and what that led to is
on the bus.

A moved business clock asks for it before it passes a due instant and before it answers, one service after the
other in the order in which usage passes them (`services/rating/clock`); `shared.runtime.clock` carries the question
and the answer. Whoever waits here is waited for: the consumer and the relay look at once, whatever they would
have rested.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.runtime.wake import Wake

STARTING_S = 0.05
LOOK_S = 0.02  # for the progress of other processes; that of this one wakes


@dataclass
class Quiet:
    """`await quiet()` returns once everything that lay on the service's topics at the call is worked off."""

    context: Any  # shared.runtime.service.Context
    progress: Wake  # called by this process's consumer and relay
    idle: Callable[[Any], Awaitable[bool]] | None = None

    async def __call__(self) -> None:
        while self.context.consumer is None:  # still starting: it has heard of nothing yet
            await self.progress.wait(STARTING_S)
        await self._consume()
        while self.idle is not None and not await self.idle(self.context):
            await self.progress.wait(LOOK_S)
        await self._relay()

    async def _consume(self) -> None:
        bus, topics = (
            self.context.bus,
            [subscribe.topic.name for subscribe in self.context.consumer.subscriptions],
        )
        lay = await asyncio.gather(*(bus.heads(topic) for topic in topics))
        for topic, heads in zip(topics, lay, strict=True):
            while not _beyond(await bus.positions(self.context.name, topic), heads):
                self.context.consumer.hurry()
                await self.progress.wait(LOOK_S)

    async def _relay(self) -> None:
        waiting = f"select exists (select from {self.context.name}.outbox where created_at <= $1)"
        told_by = await self.context.db.pool.fetchval("select clock_timestamp()")
        while await self.context.db.pool.fetchval(waiting, told_by):
            self.context.relay.wake()
            await self.progress.wait(LOOK_S)


def _beyond(positions: Mapping[int, int], heads: Mapping[int, int]) -> bool:
    return all(positions.get(partition, 0) >= head for partition, head in heads.items())
