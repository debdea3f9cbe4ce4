"""A running rating service for each test that asks."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.postgres.setup import AUDITOR
from tests.conftest import TestDatabase
from tests.services.rating.deployment import Deployment, utc
from tests.serving import serving

START = utc("2024-01-01T00:00:00")


@pytest.fixture
async def rating(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deployment]:
    """Rating with consumers, relay and jobs in this process; the business clock starts at
    2024-01-01T00:00Z."""
    async with serving("rating", database, monkeypatch, reprice_min_s="0.05", close_delayed_after_s="1") as (
        context,
        client,
    ):
        deployment = Deployment(database, context, client)
        await deployment.advance(START, test_clock=True)
        yield deployment


@pytest.fixture
async def auditor(rating: Deployment) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the checker's role."""
    connection = await asyncpg.connect(
        rating.database.url(AUDITOR.removeprefix("u2c_")), server_settings={"timezone": "UTC"}
    )
    yield connection
    await connection.close()
