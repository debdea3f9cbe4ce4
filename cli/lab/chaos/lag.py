"""How much work a target has before it: a fault while there is nothing to lose proves nothing."""

from dataclasses import dataclass

import asyncpg

from lab.chaos.faults import KAFKA, POSTGRES
from lab.chaos.producer import Producer
from services.billing.conservation.checks.k1_transport import Heads
from shared.bus import BusUnavailable
from shared.db.unit_of_work import OUTAGES
from shared.postgres.setup import SERVICES
from shared.topics import ALL

HEADS = "select topic, partition, head from bus.heads where topic = any($1)"
POSITIONS = "select topic, partition, position from bus.positions where grp = $1 and topic = any($2)"
OUTBOXES = "select (select count(*) from rating.outbox) + (select count(*) from billing.outbox) + (select count(*) from usage_ingest.outbox)"
UNANSWERED: tuple[type[BaseException], ...] = (*OUTAGES, BusUnavailable)
TOPICS = {group: [topic.name for topic in ALL.values() if group in topic.groups] for group in SERVICES}


@dataclass
class Lag:
    """Asks the bus and the database. 0 whenever they do not answer: then nobody strikes."""

    url: str
    producer: Producer
    heads: Heads | None
    _connection: asyncpg.Connection | None = None

    async def of(self, target: str) -> int:
        """Records the service has still to consume; at the door, and for what all rest on, also messages that
        wait for their answer."""
        service = target.rpartition("-")[0] if target[-1].isdigit() else target
        try:
            if service == "usage_ingest":
                return self.producer.in_flight
            if service in (POSTGRES, KAFKA):
                return self.producer.in_flight + await self._behind("rating") + await self._behind("billing")
            return await self._behind(service) + (
                await self._outboxes() if service in ("rating", "billing") else 0
            )
        except UNANSWERED:
            await self.close()
            return 0

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _behind(self, group: str) -> int:
        connection, topics = await self._connected(), TOPICS[group]
        done = {
            (row["topic"], row["partition"]): row["position"]
            for row in await connection.fetch(POSITIONS, group, topics)
        }
        return sum(max(0, head - done.get(place, 0)) for place, head in (await self._heads(topics)).items())

    async def _heads(self, topics: list[str]) -> dict[tuple[str, int], int]:
        if self.heads is None:
            rows = await (await self._connected()).fetch(HEADS, topics)
            return {(row["topic"], row["partition"]): row["head"] for row in rows}
        return {
            (topic, partition): head
            for topic in topics
            for partition, head in (await self.heads(topic)).items()
        }

    async def _outboxes(self) -> int:
        found: int = await (await self._connected()).fetchval(OUTBOXES)
        return found

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self.url, timeout=5, command_timeout=5)
        return self._connection
