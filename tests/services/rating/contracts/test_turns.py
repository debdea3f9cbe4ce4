"""Changes that wait for one another take turns: none of them is refused because two hold what the other waits
for."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import asyncpg
import pytest

from services.rating.metering.repository.usage import FENCE
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc
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


async def test_who_waits_for_a_fold_keeps_no_batch_out(rating: Deployment, admin: asyncpg.Connection) -> None:
    """A changed meter and a contract that names a value; what came meanwhile is counted by the meter's new terms."""
    await rating.customer("acme")
    await rating.customer("beta")
    await rating.meter("calls", group_by=["plan"])
    await rating.apply(terms("acme-1", "acme"))
    await rating.advance(utc("2024-01-20T00:00:00"))

    async def both_wait() -> bool:
        found = await admin.fetchval(
            """select count(*) from pg_stat_activity
               where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"""
        )
        return bool(found == 2)

    async def wait_for_the_fold(batches: int) -> bool:
        return bool(await admin.fetchval("select count(*) from rating.usage_deltas") == batches)

    async def counted() -> bool:
        lines = (await rating.statement("acme-1", "2024-01-01"))["lines"]
        return bool(lines[0]["quantity"] == "1")

    async with folder_held(rating):
        calls = {
            "event_type": "call",
            "aggregation": "count",
            "filters": {"plan": ["p1"]},
            "group_by": ["plan"],
        }
        changing = asyncio.create_task(rating.client.put("/v1/meters/calls", json=calls))
        naming = asyncio.create_task(
            rating.apply({**_naming("p1"), "contract": "beta-1", "customer": "beta"})
        )
        await until(both_wait)
        for stored in (1, 2):
            await rating.send(event(f"e{stored}", "acme", utc("2024-01-10T10:00:00"), {"plan": f"p{stored}"}))
            await until(partial(wait_for_the_fold, stored))
        assert not changing.done() and not naming.done()
    assert (await changing).status_code == 200
    await naming
    await until(counted)


def _naming(plan: str) -> dict[str, Any]:
    rates = [{"plan": plan, "unit": "5.00"}, {"unit": "2.00"}]
    price = {"model": "matrix", "dimensions": ["plan"], "rates": rates}
    line = {"key": "calls", "kind": "usage", "meter": "calls", "price": price}
    return terms("acme-1", "acme", lines=[line])
