"""`kill -9` of every service at every fail-point, five times each, while there is work left to lose: nine
pairs in two months."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import pytest

from lab.departures.client import Client
from tests.system.spine.conductor import run, set_up
from tests.system.spine.oracle import PRICES
from tests.system.spine.test_spine import accounted_for, equal_the_oracle
from tests.system.spine.world import CLOCK_STARTS, make_world
from u2c.deployment.cluster import Cluster, ClusterOptions

DEATHS = 5
EVENTS = 4000
POLL_S = 0.02
#: What kills whom in which month: each service at its points, one after the other, all services at once. Few
#: batches come by some points,
#: so that a service dies at the first of each life.
MONTHS = (
    {
        "usage_ingest": ("consumer.before_commit:1",),
        "rating": ("consumer.before_commit:3", "relay.before_publish:1"),
        "billing": ("consumer.before_commit:1", "relay.before_publish:1"),
    },
    {
        "signals": ("consumer.before_commit:1",),
        "rating": ("relay.after_publish:1", "close.before_final:1"),
        "billing": ("billing.after_number:1",),
    },
)


@dataclass
class Executioner:
    """Gives a service five lives for each point, which end there, then one that does not end. What ends a
    life is set while the one before lasts."""

    cluster: Cluster
    service: str
    points: tuple[str, ...]

    async def watch(self) -> list[bool]:
        """After the last death: for each one, whether there was work left."""
        lives = [point for point in self.points for _ in range(DEATHS)]
        with_lag: list[asyncio.Task[bool]] = []
        self._arm(lives[0])
        self.cluster.kill(self.service)
        await self._begins()
        for following in (*lives[1:], ""):
            self._arm(following)
            await self._begins()
            with_lag.append(asyncio.create_task(self._work_left()))
        return await asyncio.gather(*with_lag)

    def _arm(self, point: str) -> None:
        process = self.cluster.processes[self.service]
        process.environment = {**process.environment, "U2C_FAILPOINT": point}

    async def _begins(self) -> None:
        """Wait for the next life, which begins at once when the one that lasts has ended."""
        process = self.cluster.processes[self.service]
        starts = process.starts
        while process.starts == starts:
            await asyncio.sleep(POLL_S)
        assert process.starts == starts + 1, "a life passed unseen"

    async def _work_left(self) -> bool:
        """Records not consumed, outbox rows not published, or a period that is due and not final."""
        connection: asyncpg.Connection = await asyncpg.connect(self.cluster.database_url)
        try:
            return bool(await connection.fetchval(WORK_LEFT, self.service))
        finally:
            await connection.close()


WORK_LEFT = """
select exists (select from bus.heads h left join bus.positions p on p.grp = $1 and p.topic = h.topic
    and p.partition = h.partition
               where h.head > coalesce(p.position, 0)
                   and (p.grp is not null or $1 = 'rating' and h.topic = 'usage.events'))
    or exists (select from rating.outbox) or exists (select from billing.outbox) or exists (select
        from usage_ingest.outbox)
    or exists (select from rating.periods, clock.business where not final and close_due_at <= moved_to)
    or exists (select from billing.statements s where s.final and not exists
               (select from billing.documents d where d.contract = s.contract
                   and d.period_start = s.period_start and d.status = 'finalized'))
"""


async def all_invoiced(client: Client) -> None:
    """Wait for the invoices: the clock does not wait for a service that is dead, and it catches up when it is
    back."""
    for _ in range(300):
        if len([row async for row in client.pages("billing", "/v1/invoices", status="finalized")]) >= len(
            PRICES
        ):
            return
        await asyncio.sleep(0.2)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("points", MONTHS, ids=["consuming-and-telling", "telling-and-closing"])
async def test_death_at_a_failpoint_loses_and_repeats_nothing(
    cluster_options: Callable[..., ClusterOptions],
    points: dict[str, tuple[str, ...]],
) -> None:
    told: list[str] = []
    async with Cluster(
        cluster_options(clock_at=CLOCK_STARTS, backoff_max_s=0, report=told.append)
    ) as cluster:
        client, world = Client(cluster.urls, cluster.admin_key), make_world(seed=7, events=EVENTS)
        client.patient = True
        try:
            await set_up(client)
            watching = asyncio.gather(
                *(Executioner(cluster, service, at).watch() for service, at in points.items())
            )
            await run(client, world)
            with_lag = await asyncio.wait_for(watching, 120)
            await all_invoiced(client)
            await equal_the_oracle(client, world)
            await accounted_for(client, world)
            assert all(map(all, with_lag)), "a death with nothing left to do proves nothing"
            deaths = Counter(line.partition(";")[0] for line in told)
            assert deaths == {
                f"{service} ended with -9": 1 + DEATHS * len(at) for service, at in points.items()
            }
        finally:
            await client.close()
