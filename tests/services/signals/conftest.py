"""A running signals service for each test that asks, and receivers of webhooks that misbehave."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.conftest import TestDatabase
from tests.services.signals.deployment import START, WEBHOOK_KEY, Signals
from tests.serving import serving

Start = Callable[..., AbstractAsyncContextManager[Signals]]


@pytest.fixture
def start(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Start:
    """`async with start(webhook_timeout_s="1") as signals`: signals with consumers, relay and jobs in this
    process, its clock at START."""

    @asynccontextmanager
    async def started(**settings: str) -> AsyncIterator[Signals]:
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

    return started


@pytest.fixture
async def signals(start: Start) -> AsyncIterator[Signals]:
    async with start() as running:
        yield running
