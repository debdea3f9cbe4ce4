"""A service in the test's own process, with its consumers, relay and jobs, and a key that may do everything."""

import hashlib
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.conftest import TestDatabase

SECRET = "u2c_test_of_everything"


@asynccontextmanager
async def serving(
    service: str, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[tuple[Any, httpx2.AsyncClient]]:
    """Serve it on the test's database until the block ends: its context, and a client with every scope.

    `async with serving("rating", database, monkeypatch, reprice_min_s="1") as (context, client)`
    """
    for name, value in {"database_url": database.url(service), "log_level": "warning", **settings}.items():
        monkeypatch.setenv(f"U2C_{name.upper()}", value)
    app = importlib.import_module(f"services.{service}.main").app
    async with app.router.lifespan_context(app):
        context = app.state.context
        await context.db.pool.execute(
            f"""insert into {service}.access_keys (key_id, revision, hash, name, scopes, revoked)
                values ('key_test', 1, $1, 'test', '{{admin}}', false) on conflict do nothing""",
            hash_of(SECRET),
        )
        await context.keys.refresh()
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url=f"http://{service}",
            headers={"authorization": f"Bearer {SECRET}"},
            timeout=120,
        ) as client:
            yield context, client


def hash_of(secret: str) -> str:
    """What is kept of a key's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
