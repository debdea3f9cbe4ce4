"""A contract is found by how its name or its customer's begins, and not by reading all there are."""

from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest

from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import ContractFilter
from shared.db.listing import Order, Window
from tests.conftest import TestDatabase
from tests.services.billing.documents.test_plans import Explaining
from tests.shared.http.test_audit_plans import read

ROWS: Final = 20_000
FILL: Final = (
    """insert into rating.customers (customer_id, external_id, name, legal_entity, timezone, revision, created_at)
        select 'cus_' || n, 'acme-' || lpad(n::text, 7, '0'), 'Name', 'default', 'UTC', 1, '2024-01-01'
        from generate_series(1, $1::int) n""",
    """insert into rating.contracts (contract, customer_id, revision)
        select 'k-' || lpad(n::text, 7, '0'), 'cus_' || n % ($1 / 2) + 1, 1 from generate_series(1, $1::int) n""",
)
#: What is typed → how many contracts begin so, or are of a customer that does.
ASKED: Final = {
    "K-0000077": 1,
    "k-00000": 99,
    "Acme-0000077": 2,
    "acme-00001": 200,
    "a": ROWS,
    "k": ROWS,
    "zzz": 0,
}


@pytest.fixture
async def filled(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    settings = {"timezone": "UTC", "jit": "off", "plan_cache_mode": "force_custom_plan"}
    connection = await asyncpg.connect(database.admin_url, server_settings=settings)
    try:
        for statement in FILL:
            await connection.execute(statement, ROWS)
        await connection.execute("analyze rating.contracts, rating.customers")
        yield connection
    finally:
        await connection.close()


async def test_a_beginning_is_answered_from_indexes(filled: Any) -> None:
    looking = Explaining(filled)
    contracts, slow = ContractRepository(looking), []  # type: ignore[arg-type]
    for q, expected in ASKED.items():
        for key in ("contract", "created_at"):
            found = await contracts.contracts(ContractFilter(q=q), Window(Order(key), None, 21))
            assert len(found) == min(expected, 21)
        assert await contracts.count(ContractFilter(q=q)) == min(expected, 10_001)
        slow += [f"{q}: {read(plan):,}\n{plan}" for plan in looking.plans[:4] if read(plan) > ROWS / 4]
        looking.plans.clear()
    assert not slow, "\n\n".join(slow)
