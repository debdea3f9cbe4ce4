"""The contracts of one customer are found without reading those of all."""

from typing import Final

import asyncpg

from services.signals.replica.repository.replica import ReplicaRepository
from tests.conftest import TestDatabase
from tests.services.billing.documents.test_plans import Explaining
from tests.shared.http.test_audit_plans import read

FILL: Final = """insert into signals.contracts (contract, revision, customer_id, customer, chain)
    select 'k' || n, 1, 'cus_' || n, 'c' || n, 1 from generate_series(1, 5000) n"""


async def test_the_contracts_of_a_customer_are_found_by_an_index(database: TestDatabase) -> None:
    settings = {"jit": "off", "plan_cache_mode": "force_custom_plan"}
    connection = await asyncpg.connect(database.admin_url, server_settings=settings)
    try:
        await connection.execute(FILL)
        await connection.execute("analyze signals.contracts")
        looking = Explaining(connection)
        assert await ReplicaRepository(looking).contracts_of("cus_77") == []  # type: ignore[arg-type]
        assert read(looking.plans[0]) < 20, looking.plans[0]
    finally:
        await connection.close()
