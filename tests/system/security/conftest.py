"""A service in this process, with its consumers, relay and jobs, and a key that may do everything."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from shared.bus import Record
from shared.postgres.setup import AUDITOR
from shared.runtime.context import AnyContext
from shared.topics.usage_ingest import ACCESS_KEYS, AccessKeyMessage
from tests.conftest import TestDatabase, say
from tests.serving import SECRET, serving


@dataclass
class Served:
    """`client` has every scope; `context` is the service's own."""

    database: TestDatabase
    context: AnyContext
    client: httpx2.AsyncClient

    async def say(self, topic: str, records: list[Record]) -> None:
        await say(self.database.admin_url, topic, records)

    async def get(self, path: str, secret: str = SECRET, **query: Any) -> httpx2.Response:
        return await self.client.get(path, params=query, headers={"authorization": f"Bearer {secret}"})

    async def say_key(self, *messages: AccessKeyMessage) -> None:
        """Put these on access.keys, as usage_ingest would."""
        records = [Record(message.key_id.encode(), ACCESS_KEYS.encode(message)) for message in messages]
        await self.say(ACCESS_KEYS.name, records)


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """`async with serve("rating", reprice_min_s="1") as rating`."""

    @asynccontextmanager
    async def served(service: str, **settings: str) -> AsyncIterator[Served]:
        auditor = {"auditor_database_url": database.url(AUDITOR)}
        async with serving(service, database, monkeypatch, **auditor, **settings) as (context, client):
            yield Served(database, context, client)

    return served
