"""A service in this process, with its consumers, relay and jobs, and a key that may do everything."""

import asyncio
import hashlib
import importlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
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

SECRET = "u2c_test_of_security"
DEADLINE_S = 60.0


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
        variables = {
            "database_url": database.url(service),
            "auditor_database_url": database.url(AUDITOR),
            "log_level": "warning",
            **settings,
        }
        for name, value in variables.items():
            monkeypatch.setenv(f"U2C_{name.upper()}", value)
        app = importlib.import_module(f"services.{service}.main").app
        async with app.router.lifespan_context(app):
            context: AnyContext = app.state.context
            await context.db.pool.execute(
                f"""insert into {service}.access_keys (key_id, revision, hash, name, scopes, revoked)
                    values ('key_test', 1, $1, 'test', '{{admin}}', false) on conflict do nothing""",
                hash_of(SECRET),
            )
            await context.keys.refresh()
            headers = {"authorization": f"Bearer {SECRET}"}
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app),
                base_url="http://service",
                headers=headers,
                timeout=60,
            ) as client:
                yield Served(database, context, client)

    return served


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def until(holds: Callable[[], Awaitable[Any]], timeout_s: float = DEADLINE_S) -> Any:
    """Return what `holds` comes to once it is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := await holds()):
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.02)
    return found
