"""A running signals service for each test that asks, and receivers of webhooks that misbehave."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest

from tests.conftest import TestDatabase
from tests.services.signals.deployment import START, WEBHOOK_KEY, Signals
from tests.serving import serving

Start = Callable[..., AbstractAsyncContextManager[Signals]]


@asynccontextmanager
async def signals_on(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Signals]:
    """Signals with consumers, relay and jobs in this process until the block ends, its clock at START."""
    of_all = {
        "webhook_allow_local": "true",
        "settle_s": "0",
        "rating_url": "http://127.0.0.1:9",
        "webhook_key": WEBHOOK_KEY,
    }
    async with serving("signals", database, monkeypatch, **(of_all | settings)) as (context, client):
        signals = Signals(database, context, client)
        await signals.move_clock(START)
        try:
            yield signals
        finally:
            await context.state.lanes.stop()


@pytest.fixture
def start(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Start:
    """`async with start(webhook_timeout_s="1") as signals`, on the test's database."""
    return partial(signals_on, database, monkeypatch)


@pytest.fixture
async def signals(start: Start) -> AsyncIterator[Signals]:
    async with start() as running:
        yield running
