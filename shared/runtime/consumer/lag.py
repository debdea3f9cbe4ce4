"""How far a group is behind: measured beside the consumer, and the first to notice a bus that is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shared.bus import Bus, BusUnavailable, metrics
from shared.bus.faults import DATABASE_FAULTS

log = structlog.get_logger()
#: The second: while nothing moves.
LAG_EVERY_S, LAG_QUIET_EVERY_S = 2.0, 5.0
BUS_FAULTS: tuple[type[BaseException], ...] = (BusUnavailable, *DATABASE_FAULTS)


@dataclass
class LagWatch:
    """Measures how far one group is behind on its topics."""

    bus: Bus
    group: str
    topics: Sequence[str]
    unanswered: str | None = None  # why the last look found nothing out

    async def run(self) -> None:
        """Measure until cancelled. A poll of a bus that is away just finds nothing, so its silence shows here."""
        before: list[int] = []
        while True:
            heads: list[int] = []
            try:
                heads = [await self._measure(topic) for topic in self.topics]
                self.unanswered = None
            except BUS_FAULTS as fault:
                self.unanswered = f"the bus does not answer: {fault}"
                log.warning("lag_unknown", group=self.group, fault=repr(fault))
            await asyncio.sleep(LAG_QUIET_EVERY_S if heads and heads == before else LAG_EVERY_S)
            before = heads

    async def _measure(self, topic: str) -> int:
        """Return how many records there are."""
        heads = await self.bus.heads(topic)
        done = await self.bus.positions(self.group, topic)
        metrics.LAG.labels(self.group, topic).set(sum(heads.values()) - sum(done.values()))
        return sum(heads.values())
