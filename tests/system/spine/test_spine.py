"""The four services, for real, through a hostile month: statements equal the oracle to the cent and
everything is accounted for."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lab.departures.client import Client
from tests.system.spine.conductor import march_invoices, run, set_up
from tests.system.spine.oracle import PRICES, invoice_total
from tests.system.spine.world import CLOCK_STARTS, World, make_world
from u2c.deployment.cluster import Cluster, ClusterOptions

EVENTS = 3000


@pytest.fixture
async def cluster(cluster_options: Callable[..., ClusterOptions]) -> AsyncIterator[Cluster]:
    async with Cluster(cluster_options(clock_at=CLOCK_STARTS)) as running:
        yield running


@pytest.mark.timeout(240)
async def test_a_hostile_month_is_billed_to_the_cent(cluster: Cluster) -> None:
    client, world = Client(cluster.urls, cluster.admin_key), make_world(seed=20250301, events=EVENTS)
    try:
        await set_up(client)
        await run(client, world)
        await equal_the_oracle(client, world)
        await accounted_for(client, world)
    finally:
        await client.close()


async def equal_the_oracle(client: Client, world: World) -> None:
    invoices = await march_invoices(client)
    assert {customer: invoice["total"] for customer, invoice in invoices.items()} == {
        customer: invoice_total(world, customer) for customer in PRICES
    }


async def accounted_for(client: Client, world: World) -> None:
    """K1–K5 hold, and the buckets hold what the world put there."""
    report = await client.get("billing", "/v1/reconciliation")
    assert report["conservation"]["holds"], report["conservation"]
    totals: dict[str, int] = {}
    for row in report["rows"]:
        for bucket, count in row["counts"].items():
            totals[bucket] = totals.get(bucket, 0) + count
    assert totals["stored"] == len(world.events)
    assert totals["voided"] == len(world.voided)
    assert totals["held_late"] == len(
        {e.id for e in world.events if e.id in world.held_late and e.subject != "nobody"}
    )
    assert totals["stored"] == sum(count for bucket, count in totals.items() if bucket != "stored")
    suspended = suspense_of(report["rows"], "nobody")
    assert suspended == sum(e.subject == "nobody" and e.id not in world.voided for e in world.events)


def suspense_of(rows: list[dict[str, Any]], subject: str) -> int:
    return sum(row["counts"].get("suspense", 0) for row in rows if row["subject"] == subject)
