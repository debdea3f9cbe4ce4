"""The hostile month is a test that can fail: with one protection taken away, the oracle or K1–K5 say so.

Without the compare-and-set it is the bus's own suite that fails (`tests/shared/bus/conformance.py`), where zombies
can be made at will.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.departures.client import Client
from tests.system.spine.conductor import run, set_up
from tests.system.spine.test_spine import accounted_for, equal_the_oracle
from tests.system.spine.world import CLOCK_STARTS, make_world
from u2c.deployment.cluster import Cluster, ClusterOptions

EVENTS = 800
SABOTAGED = Path(__file__).parent / "sabotaged"


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("sabotage", ["deduplication-skipped", "outbox-row-lost"])
async def test_without_a_protection_the_month_does_not_hold(
    cluster_options: Callable[..., ClusterOptions], sabotage: str
) -> None:
    environment = {"rating": {"PYTHONPATH": str(SABOTAGED), "U2C_TEST_SABOTAGE": sabotage}}
    async with Cluster(cluster_options(clock_at=CLOCK_STARTS, environment=environment)) as cluster:
        client, world = Client(cluster.urls, cluster.admin_key), make_world(seed=11, events=EVENTS)
        try:
            await set_up(client)
            await run(client, world)
            with pytest.raises(AssertionError):
                await equal_the_oracle(client, world)
                await accounted_for(client, world)
        finally:
            await client.close()
