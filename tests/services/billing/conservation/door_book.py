"""The way from the door to metering, driven by hand: receipts as the door writes them, records on the log,
metering's consumer or none."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import asyncpg

from services.billing.conservation.checks.k2_door import door
from services.billing.conservation.clients import snapshot
from services.billing.conservation.domain.breaks import Checked
from services.rating.metering.consumers import SUBSCRIPTIONS
from services.rating.metering.memory import MeteringMemory
from services.usage_ingest.receipts.repository import ReceiptRepository
from shared.bus import Record
from shared.bus.postgres_log import PostgresLog
from shared.db.unit_of_work import Database
from shared.runtime.clock import machine_now, machine_us
from shared.runtime.consumer import Consumer
from shared.topics.usage_ingest import USAGE_EVENTS, ReceiptMessage, UsageMessage, event_key
from shared.values.ids import new_id
from tests.conftest import TestDatabase, say
from tests.services.rating.metering.book import meter

CALLS = {"event_type": "api.call", "aggregation": "count", "list_price": {"currency": "USD", "unit": "0.50"}}
LONG_AGO = "interval '20 minutes'"


@dataclass
class Way:
    """`admin` may do everything; `rating` is metering's own database."""

    database: TestDatabase
    admin: asyncpg.Connection
    rating: Database
    bus: PostgresLog

    async def publish(self, *messages: UsageMessage, receipts: bool = True) -> None:
        await self.put(
            [
                Record(event_key(message.source, message.id), USAGE_EVENTS.encode(message))
                for message in messages
            ]
        )
        if receipts:
            for source in sorted({message.source for message in messages}):
                await self.receipt(source, sum(message.source == source for message in messages))

    async def put(self, records: Sequence[Record]) -> None:
        await say(self.database.admin_url, USAGE_EVENTS.name, records)

    async def broken(self, source: str, *ids: str) -> None:
        """Accepted events that metering cannot take, as a release that is not its producer's would see
        them."""
        await self.put(
            [
                Record(
                    event_key(source, id),
                    json.dumps(
                        {"source": source, "id": id, "type": "api.call", "data": {}, "received_us": "noon"}
                    ).encode(),
                )
                for id in ids
            ]
        )
        await self.receipt(source, len(ids))

    async def receipt(self, source: str, published: int) -> None:
        message = ReceiptMessage(new_id("rec"), "key_1", source, machine_us(), published, published, 0, 0)
        async with self.admin.transaction():
            await ReceiptRepository(self.admin).store([message])

    async def metered(self) -> None:
        """Let metering take all there is, and stop again."""
        context: Any = SimpleNamespace(
            db=self.rating,
            bus=self.bus,
            state=SimpleNamespace(metering=MeteringMemory(100)),
            settings=SimpleNamespace(consumer_batch_max=1000),
            clock=SimpleNamespace(now=machine_now),
        )
        consumer = asyncio.create_task(Consumer(context, "rating", SUBSCRIPTIONS).run())
        heads = await self.bus.heads(USAGE_EVENTS.name)
        try:
            while await self.bus.positions("rating", USAGE_EVENTS.name) != heads:
                assert not consumer.done(), consumer
                await asyncio.sleep(0.02)
        finally:
            consumer.cancel()
            await asyncio.gather(consumer, return_exceptions=True)

    async def time_passes(self) -> None:
        """Twenty minutes of the machine clock, for what is on the log and for who reads it."""
        await self.admin.execute(f"update bus.positions set moved_at = moved_at - {LONG_AGO}")
        await self.admin.execute(f"update bus.segments set appended_at = appended_at - {LONG_AGO}")

    async def check(self) -> Checked:
        async with snapshot(self.admin):
            return await door(self.admin)


@asynccontextmanager
async def way(database: TestDatabase) -> AsyncIterator[Way]:
    admin, rating = (
        await asyncpg.connect(database.admin_url, server_settings={"timezone": "UTC"}),
        Database(database.url("rating"), "rating"),
    )
    await rating.open()
    # speaks for the door, as metering's role may not
    everybody = await asyncpg.create_pool(database.admin_url, min_size=1, max_size=5)
    bus = PostgresLog(everybody)
    await bus.start()
    try:
        await meter(rating, "calls", **CALLS)
        yield Way(database, admin, rating, bus)
    finally:
        await bus.stop()
        await everybody.close()
        await rating.close()
        await admin.close()


def named(checked: Checked) -> dict[str, Any]:
    """Fault → the key of its row; one break of each fault."""
    found = {broken.fault: dict(broken.where.key) for broken in checked.breaks}
    assert len(found) == len(checked.breaks), checked.breaks
    return found
