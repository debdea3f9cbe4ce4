"""Billing's consumers beside a rating that runs in the same process: they hear what lies on its bus, and documents are
finalized at once."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from services.billing.blocks.usecases import hear_block_rows
from services.billing.finalization.usecases.finalize import finalize_due
from services.billing.replica.usecases import hear_customers, hear_statements
from shared.bus import Bus
from shared.db.unit_of_work import Database
from shared.topics import ALL
from shared.topics.rating import BLOCK_ROWS, CUSTOMERS, STATEMENTS
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import batch_of

ZONE = "UTC"


@dataclass
class Hearing:
    """What was heard so far: topic and partition → the offset after it."""

    db: Database
    bus: Bus
    heard: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    async def catch_up(self, now: datetime) -> None:
        """Hear all that is on the bus, and finalize what is due."""
        for topic in (CUSTOMERS, STATEMENTS, BLOCK_ROWS):
            for partition, head in (await self.bus.heads(topic.name)).items():
                while (at := self.heard[topic.name, partition]) < head:
                    run = await self.bus.read(topic.name, partition, at, head - at)
                    await self._hear(
                        topic.name, [ALL[topic.name].decode(record.value) for record in run.records], now
                    )
                    self.heard[topic.name, partition] = run.end
        await finalize_due(self.db, OpenGate(), now, ZONE)

    async def _hear(self, topic: str, messages: list[object], now: datetime) -> None:
        batch = batch_of(messages, topic)
        async with self.db.transaction() as uow:
            if topic == STATEMENTS.name:
                await hear_statements(batch, uow, now)
            elif topic == CUSTOMERS.name:
                await hear_customers(batch, uow)
            else:
                await hear_block_rows(batch, uow, ZONE)
