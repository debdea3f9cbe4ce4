"""A running rating service for each test that asks."""

import hashlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.conftest import TestDatabase
from tests.services.rating.deployment import SECRET, Deployment, utc

START = utc("2024-01-01T00:00:00")


@pytest.fixture
async def rating(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deployment]:
    """Rating with consumers, relay and jobs in this process; the business clock starts at
    2024-01-01T00:00Z."""
    monkeypatch.setenv("U2C_DATABASE_URL", database.url("rating"))
    monkeypatch.setenv("U2C_LOG_LEVEL", "warning")
    monkeypatch.setenv("U2C_REPRICE_MIN_S", "0.05")
    monkeypatch.setenv("U2C_CLOSE_DELAYED_AFTER_S", "1")
    from services.rating.main import app

    async with app.router.lifespan_context(app):
        context = app.state.context
        await context.db.pool.execute(
            "insert into rating.access_keys (key_id, revision, hash, name, scopes, revoked) values ('key_test', 1, $1, 'test', '{admin}', false)",
            hashlib.sha256(SECRET.encode()).hexdigest(),
        )
        await context.keys.refresh()
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(
            transport=transport,
            base_url="http://rating",
            headers={"authorization": f"Bearer {SECRET}"},
            timeout=120,
        ) as client:
            deployment = Deployment(database, context, client)
            await deployment.advance(START, test_clock=True)
            yield deployment
