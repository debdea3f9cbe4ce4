"""Fixtures of billing's tests: its own database role, and the doors its consumers call."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.billing.replica import usecases
from shared.db.unit_of_work import Database
from shared.runtime.consumer import BatchCounts
from tests.conftest import TestDatabase
from tests.services.billing.statements import NOW, batch_of, customer_of

Hear = Callable[..., Awaitable[BatchCounts]]


@pytest.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """Billing's database, with the role of the service."""
    opened = Database(database.url("billing"), "billing")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def hear(db: Database) -> Hear:
    """Let billing hear statements, as one batch in one transaction."""

    async def heard_of(*statements: Any) -> BatchCounts:
        async with db.transaction() as uow:
            return await usecases.hear_statements(batch_of(statements), uow, NOW)

    return heard_of


@pytest.fixture
def hear_customers(db: Database) -> Hear:
    async def heard_of(*customers: Any) -> BatchCounts:
        async with db.transaction() as uow:
            return await usecases.hear_customers(
                batch_of(customers or [customer_of()], "customers.customers"), uow
            )

    return heard_of
