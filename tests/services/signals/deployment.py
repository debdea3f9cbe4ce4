"""What the tests of signals do to a running service: move its clock, tell facts, register endpoints, say
things on its topics."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec

from services.signals.domain.fact import Fact
from services.signals.facts.usecases.tell import Told, tell
from services.signals.webhooks.usecases.send import WebhooksContext
from shared.bus import Record
from shared.topics import Topic
from tests.conftest import TestDatabase, stand_clock
from tests.conftest import say as published
from tests.waiting import until

WEBHOOK_KEY = "what the tests of signals seal with"
READER = "u2c_reader_of_signals"
START = datetime(2024, 1, 1, 12, tzinfo=UTC)


@dataclass
class Signals:
    """`client` speaks to the API with every scope; `context` is the service's own."""

    database: TestDatabase
    context: WebhooksContext
    client: httpx2.AsyncClient

    async def move_clock(self, to: datetime) -> None:
        await stand_clock(self.database.admin_url, to)
        await self.context.clock.refresh()

    async def tell(self, *facts: Fact, customer: str = "acme") -> None:
        """Tell facts as the service does."""
        async with self.context.db.transaction() as uow:
            now = self.context.clock.now()
            await tell(uow, [Told(f"cus_{customer}", customer, now, fact) for fact in facts], now)

    async def endpoint(self, url: str, events: Sequence[str] = ("*",), **more: Any) -> dict[str, Any]:
        answer = await self.client.post(
            "/v1/webhook-endpoints", json={"url": url, "events": list(events), **more}
        )
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.client.post(path, json=body if body is not None else {})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def log(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        """The deliveries of an endpoint, the oldest first, each with its attempts."""
        rows = (await self.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries", limit=200))["data"]
        return [await self.get(f"/v1/webhook-deliveries/{row['id']}") for row in reversed(rows)]

    async def say(self, topic: Topic, key: str, *messages: msgspec.Struct) -> None:
        """Put messages on a topic and wait until signals has heard them."""
        await published(
            self.database.admin_url,
            topic.name,
            [Record(key.encode(), topic.encode(message)) for message in messages],
        )
        heads = await self.context.bus.heads(topic.name)

        async def heard() -> bool:
            positions = await self.context.bus.positions("signals", topic.name)
            return all(positions.get(partition, 0) >= head for partition, head in heads.items())

        await until(heard)


@asynccontextmanager
async def reading(signals: Signals) -> AsyncIterator[dict[str, str]]:
    """Headers of a key that has only signals:read."""
    await signals.context.db.pool.execute(
        """insert into signals.access_keys (key_id, revision, hash, name, scopes, revoked) values
            ('key_reader', 1, $1, 'r', '{signals:read}', false)
           on conflict do nothing""",
        hashlib.sha256(READER.encode()).hexdigest(),
    )
    await signals.context.keys.refresh()
    yield {"authorization": f"Bearer {READER}"}


def fact(number: int, type: str = "renewal.due") -> Fact:
    return Fact(type, ("acme-2024", str(number)), START.date(), {"number": number}, "acme-2024")
