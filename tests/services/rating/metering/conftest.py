"""Metering on a real database, driven batch by batch."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase
from tests.services.rating.metering.batches import Metering


@pytest_asyncio.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """Rating's own database, open."""
    opened = Database(database.url("rating"), "rating")
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def metering(db: Database) -> Metering:
    return Metering(db)
