"""Rating dies while billing's read waits for it: billing answers with what it heard last and says so, a second
replica meters and folds what comes meanwhile, and the month is billed to the cent."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from lab.bench.deployment import Deployment, deployment
from lab.chaos.lag import Lag
from lab.chaos.played import SETTINGS
from lab.chaos.producer import Producer
from lab.departures.client import Client
from tests.needs import NEEDS_KAFKA
from tests.system.spine.conductor import run, send, set_up
from tests.system.spine.test_spine import accounted_for, equal_the_oracle
from tests.system.spine.world import CLOCK_STARTS, Delivery, World, make_world
from tests.waiting import until
from u2c.deployment import kafka_broker

KAFKA = pytest.param("kafka", marks=NEEDS_KAFKA)
EVENTS = 1000
DEADLY = tuple(datetime(2025, 3, day, tzinfo=UTC) for day in (6, 20))
POINT = "current.before_answer:1"
FOLDED = """select not exists (select from bus.batches b, rating.fold_state f
    where b.grp = 'rating' and b.topic = 'usage.events'
        and b.batch_id > coalesce((f.watermark ->> b.partition::text)::bigint, 0))"""


@dataclass
class Reader:
    """Reads drafts, kills rating by it, and sees how long it is missed. `meanwhile`: what is sent while it is
    dead."""

    deployed: Deployment
    client: Client
    lag: Lag
    meanwhile: dict[datetime, list[Delivery]]
    deaths: int = 0

    async def kill_and_read(self, day_end: datetime) -> None:
        if day_end not in self.meanwhile:
            return
        cluster = self.deployed.cluster
        await cluster.restart("rating", {"U2C_FAILPOINT": POINT})
        while cluster.processes["rating"].alive:
            assert all(draft["stale"] for draft in await self.drafts())
        self.deaths += 1
        await send(self.client, self.meanwhile[day_end])
        await until(self._taken_over, "the other replica meters and folds")
        heard = await self.drafts()
        assert all(draft["stale"] and draft["as_of"] for draft in heard)
        await cluster.restart("rating", {"U2C_FAILPOINT": ""})
        current = await until(self._current, "drafts are current once rating is back")
        assert {draft["id"]: draft["total"] for draft in current} != {
            draft["id"]: draft["total"] for draft in heard
        }

    async def drafts(self) -> list[dict[str, Any]]:
        """What one read answers, which is no fault whatever becomes of rating."""
        url, key = self.deployed.cluster.urls["billing"], self.deployed.cluster.admin_key
        async with httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False
        ) as http:
            answer = await http.get("/v1/invoices", params={"status": "draft"}, timeout=30)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    async def _current(self) -> list[dict[str, Any]]:
        drafts = await self.drafts()
        return [] if any(draft["stale"] for draft in drafts) else drafts

    async def _taken_over(self) -> bool:
        assert not self.deployed.cluster.processes["rating"].alive
        if await self.lag.of("rating"):
            return False
        connection = await asyncpg.connect(self.deployed.cluster.database_url)
        try:
            return bool(await connection.fetchval(FOLDED))
        finally:
            await connection.close()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("bus", ["postgres", KAFKA])
async def test_rating_dies_while_billing_waits_for_it(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = kafka_broker.libraries_folder()
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    monkeypatch.setattr(kafka_broker, "libraries_folder", lambda: jars)
    async with deployment(bus, "chaos", clock_at=CLOCK_STARTS, environment=SETTINGS) as deployed:
        cluster, world = deployed.cluster, make_world(seed=14, events=EVENTS)
        client = Client(cluster.urls, cluster.admin_key)
        lag = Lag(
            cluster.database_url, Producer(cluster.urls["usage_ingest"], cluster.admin_key), deployed.heads()
        )
        reader = Reader(deployed, client, lag, {day: _kept_back(world, day) for day in DEADLY})
        try:
            await set_up(client)
            await cluster.add("rating")
            await run(client, world, reader.kill_and_read)
            assert reader.deaths == len(DEADLY)
            await equal_the_oracle(client, world)
            await accounted_for(client, world)
        finally:
            await lag.close()
            await client.close()


def _kept_back(world: World, day_end: datetime) -> list[Delivery]:
    """Half of what the day brings: the world's conductor does not send it."""
    (kept,) = ([*deliveries[::2]] for end, deliveries in world.days() if end == day_end)
    world.deliveries = [delivery for delivery in world.deliveries if delivery not in kept]
    return kept
