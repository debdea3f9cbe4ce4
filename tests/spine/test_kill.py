"""`kill -9` of every service at every fail-point, at least five times each, while there is work left to lose."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import pytest

from tests.spine.conductor import run, set_up
from tests.spine.oracle import PRICES
from tests.spine.test_spine import accounted_for, equal_the_oracle
from tests.spine.world import CLOCK_STARTS, make_world
from u2c.cluster import Cluster, ClusterOptions
from u2c.departures.client import Client

DEATHS_MIN = 5
EVENTS = 4000
POINTS = [                                # a service with few batches dies at its first one, again and again, until it is disarmed
    ("rating", "consumer.before_commit:3"), ("billing", "consumer.before_commit:1"), ("signals", "consumer.before_commit:1"),
    ("usage_ingest", "consumer.before_commit:1"), ("rating", "relay.before_publish:1"), ("rating", "relay.after_publish:1"),
    ("billing", "relay.before_publish:1"), ("rating", "close.before_final:1"), ("billing", "billing.after_number:1"),
]


@dataclass
class Executioner:
    """Counts the deaths of one service at its fail-point and disarms it after enough of them."""

    cluster: Cluster
    service: str
    deaths: int = 0
    with_lag: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        process = self.cluster.processes[self.service]
        starts = process.starts
        while self.deaths < DEATHS_MIN:
            await asyncio.sleep(0.02)
            if not process.alive or process.starts > starts + self.deaths:
                self.with_lag += await self._work_left()
                self.deaths += 1
                while not process.alive or process.starts < starts + self.deaths:
                    await asyncio.sleep(0.02)
        await self.cluster.restart(self.service, {"U2C_FAILPOINT": ""})
        self.done.set()

    async def _work_left(self) -> bool:
        """Records not consumed, outbox rows not published, or a period that is due and not final."""
        connection: asyncpg.Connection = await asyncpg.connect(self.cluster.database_url)
        try:
            return bool(await connection.fetchval(WORK_LEFT, self.service))
        finally:
            await connection.close()


WORK_LEFT = """
select exists (select from bus.heads h left join bus.positions p on p.grp = $1 and p.topic = h.topic and p.partition = h.partition
               where h.head > coalesce(p.position, 0) and (p.grp is not null or $1 = 'rating' and h.topic = 'usage.events'))
    or exists (select from rating.outbox) or exists (select from billing.outbox) or exists (select from usage_ingest.outbox)
    or exists (select from rating.periods, clock.business where not final and close_due_at <= moved_to)
    or exists (select from billing.statements_heard s where s.final and not exists
               (select from billing.documents d where d.contract = s.contract and d.period_start = s.period_start and d.status = 'finalized'))
"""


async def all_invoiced(client: Client) -> None:
    """Wait for the invoices: the clock does not wait for a service that is dead, and it catches up when it is back."""
    for _ in range(300):
        if len([row async for row in client.pages("billing", "/v1/invoices", status="finalized")]) >= len(PRICES):
            return
        await asyncio.sleep(0.2)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("service", "point"), POINTS, ids=[f"{service}-{point}" for service, point in POINTS])
async def test_death_at_a_failpoint_loses_and_repeats_nothing(cluster_options: Callable[..., ClusterOptions], service: str, point: str) -> None:
    async with Cluster(cluster_options(clock_at=CLOCK_STARTS)) as cluster:
        client, world = Client(cluster.urls, cluster.admin_key), make_world(seed=7, events=EVENTS)
        client.patient = True
        try:
            await set_up(client)
            await cluster.restart(service, {"U2C_FAILPOINT": point})
            executioner = Executioner(cluster, service)
            watching = asyncio.create_task(executioner.watch())
            await run(client, world)
            await asyncio.wait_for(watching, 120)
            await all_invoiced(client)
            await equal_the_oracle(client, world)
            await accounted_for(client, world)
            assert executioner.deaths >= DEATHS_MIN
            assert executioner.with_lag == executioner.deaths, "a death with nothing left to do proves nothing"
        finally:
            await client.close()
