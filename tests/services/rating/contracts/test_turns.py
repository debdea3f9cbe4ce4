"""Changes that wait for one another take turns: none of them is refused because two hold what the other waits
for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.rating.metering.repository.usage import FENCE
from tests.services.rating.deployment import Deployment, terms
from tests.waiting import until

WAITING = """select count(*) from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory' and not l.granted
        and (l.classid::bigint << 32 | l.objid::bigint) = $1"""


@pytest.fixture
async def admin(rating: Deployment) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(rating.database.admin_url)
    yield connection
    await connection.close()


async def test_an_alias_and_a_contract_that_names_a_value_take_turns(
    rating: Deployment, admin: asyncpg.Connection
) -> None:
    await rating.customer("acme")
    await rating.meter("calls", group_by=["plan"])

    async def waits(who: int) -> None:
        async def found() -> bool:
            return bool(await admin.fetchval(WAITING, FENCE) == who)

        await until(found, f"{who} who wait at the fence")

    async with admin.transaction():
        # as a batch under way does
        await admin.execute("select pg_advisory_xact_lock_shared($1)", FENCE)
        alias = asyncio.create_task(rating.alias("acme", "acme-eu"))
        await waits(1)
        contract = asyncio.create_task(rating.apply(_naming("p1")))
        await waits(2)
    await asyncio.gather(alias, contract)


def _naming(plan: str) -> dict[str, Any]:
    rates = [{"plan": plan, "unit": "5.00"}, {"unit": "2.00"}]
    price = {"model": "matrix", "dimensions": ["plan"], "rates": rates}
    line = {"key": "calls", "kind": "usage", "meter": "calls", "price": price}
    return terms("acme-1", "acme", lines=[line])
