"""When a service is quiet: what lay on its topics is consumed, what was due is done, and what that led to is
on the bus.

A moved business clock asks for it before it passes a due instant and before it answers, one service after the
other in the order in which usage passes them (`services/rating/clock`); `shared.runtime.clock` carries the question
and the answer. Whoever waits here is waited for: the consumer and the relay look at once, whatever they would
have rested.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.bus.waiting import has_heard
from shared.db.outbox import Relay
from shared.db.published import database_time, waits_for_bus
from shared.runtime.consumer import Consumer
from shared.runtime.context import AnyContext
from shared.topics.graph import Hearing

STARTING_S = 0.05
#: For the progress of other processes; that of this one wakes.
LOOK_S = 0.02


C = TypeVar("C", bound=AnyContext)


@dataclass(frozen=True)
class Quiet(Generic[C]):
    """`await quiet()` returns once everything that lay on the service's topics at the call is worked off."""

    context: C
    finish_due_work: Callable[[C], Awaitable[bool]] | None = None

    async def __call__(self) -> None:
        while self.context.consumer is None or self.context.relay is None:
            # still starting: it has heard of nothing yet
            await self.context.progress.wait(self.context.progress.count, STARTING_S)
        await self._consume(self.context.consumer)
        heard = self.context.progress.count
        while self.finish_due_work is not None and not await self.finish_due_work(self.context):
            await self.context.progress.wait(heard, LOOK_S)
            heard = self.context.progress.count
        await self._publish(self.context.relay)

    async def _consume(self, consumer: Consumer[AnyContext]) -> None:
        bus, topics = self.context.bus, consumer.topics
        lay = await asyncio.gather(*(bus.heads(topic) for topic in topics))
        for topic, heads in zip(topics, lay, strict=True):
            heard = self.context.progress.count
            while not await has_heard(bus, Hearing(topic, consumer.group), heads):
                consumer.hurry()
                await self.context.progress.wait(heard, LOOK_S)
                heard = self.context.progress.count

    async def _publish(self, relay: Relay) -> None:
        told_by = await database_time(self.context.db)
        heard = self.context.progress.count
        while await waits_for_bus(self.context.db, told_by):
            relay.wake()
            await self.context.progress.wait(heard, LOOK_S)
            heard = self.context.progress.count
