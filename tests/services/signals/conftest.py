"""A running signals service for each test that asks, and receivers of webhooks that misbehave."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest

from tests.conftest import TestDatabase
from tests.services.signals.deployment import SECRET, START, WEBHOOK_KEY, Signals

Start = Callable[..., AbstractAsyncContextManager[Signals]]


@pytest.fixture
def start(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Start:
    """`async with start(webhook_timeout_s="1") as signals`: signals with consumers, relay and jobs in this
    process, its clock at START."""

    @asynccontextmanager
    async def started(**settings: str) -> AsyncIterator[Signals]:
        monkeypatch.setenv("U2C_DATABASE_URL", database.url("signals"))
        monkeypatch.setenv("U2C_LOG_LEVEL", "warning")
        set_up = {
            "webhook_allow_local": "true",
            "settle_s": "0",
            "rating_url": "http://127.0.0.1:9",
            "webhook_key": WEBHOOK_KEY,
            **settings,
        }
        for name, value in set_up.items():
            monkeypatch.setenv(f"U2C_{name.upper()}", value)
        from services.signals.main import app

        async with app.router.lifespan_context(app):
            context = app.state.context
            await context.db.pool.execute(
                """insert into signals.access_keys (key_id, revision, hash, name, scopes, revoked)
                   values ('key_test', 1, $1, 'test', '{admin}', false) on conflict do nothing""",
                hashlib.sha256(SECRET.encode()).hexdigest(),
            )
            await context.keys.refresh()
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app),
                base_url="http://signals",
                headers={"authorization": f"Bearer {SECRET}"},
                timeout=60,
            ) as client:
                signals = Signals(database, context, client)
                await signals.move_clock(START)
                try:
                    yield signals
                finally:
                    await context.state.lanes.stop()

    return started


@pytest.fixture
async def signals(start: Start) -> AsyncIterator[Signals]:
    async with start() as running:
        yield running
