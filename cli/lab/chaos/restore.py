"""A backup older than the bus is restored; everything since is consumed again from the database's own
positions, and nothing differs.

Over Kafka only: the Postgres log is part of what is backed up, so there a restore takes bus and book back
together.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.bench.deployment import Deployment, deployment
from lab.chaos.assailant import Assailant
from lab.chaos.faults import Fault, Kind, Strike
from lab.chaos.lag import Lag
from lab.chaos.month import Month
from lab.chaos.played import SETTINGS, Played
from lab.chaos.producer import Producer
from lab.chaos.verdict import findings
from lab.departures.client import Client
from shared.postgres.setup import create_empty_database, drop_database
from shared.postgres.urls import database_url
from tests.system.spine.conductor import set_up
from tests.system.spine.world import CLOCK_STARTS, make_world
from u2c.backup import programs

BACKED_UP_AT = datetime(2025, 3, 22, tzinfo=UTC)  # after the last change of terms: those are not on the bus
LOST_AT = datetime(2025, 3, 28, tzinfo=UTC)


async def restore_drill(bus: str, events: int, seed: int, say: Callable[[str], None]) -> Played:
    """Back up under load, play on, lose the database, restore it, play the month to its end, and judge it by
    the oracle."""
    played, began = Played("restore", bus, seed), time.monotonic()
    say(f"restore over {bus}, month of seed {seed}: {events:,} events")
    async with deployment(bus, "chaos", clock_at=CLOCK_STARTS, environment=SETTINGS) as deployed:
        cluster = deployed.cluster
        client, world = Client(cluster.urls, cluster.admin_key), make_world(seed, events, late=0)
        client.patient = True
        month = Month(client, Producer(cluster.urls["usage_ingest"], cluster.admin_key), world, seed)
        lag = Lag(cluster.database_url, month.producer, deployed.heads())
        try:
            await set_up(client)
            await month.play(BACKED_UP_AT)
            backup = deployed.folder / "backup"
            await asyncio.gather(month.play(BACKED_UP_AT + timedelta(days=1)), _back_up(deployed, backup))
            await month.play(LOST_AT)
            await lag.close()
            await _put_back(deployed, backup)
            again = await lag.of("rating")
            say(f"  restored; {again:,} records lie on the bus after the backup")
            await cluster.start_services()
            await Assailant(deployed, [], lag, say).all_ready()
            played.strikes.append(Strike(Fault(Kind.RESTORE, "database"), again, None))
            await month.play()
            await month.settle()
            found, played.figures = await findings(deployed, month)
            played.findings += (
                found if again else [*found, "nothing was written after the backup, so nothing is shown"]
            )
        finally:
            played.seconds = time.monotonic() - began
            await lag.close()
            await client.close()
    return played


async def _back_up(deployed: Deployment, folder: Path) -> None:
    """One consistent snapshot, taken while everything runs."""
    await programs.dump(deployed.cluster.database_url, folder)


async def _put_back(deployed: Deployment, folder: Path) -> None:
    """Kill every service and put the backup in the database's place."""
    cluster = deployed.cluster
    for name in cluster.processes:
        cluster.kill(name)
    server_url, name = database_url(cluster.database_url, "postgres"), cluster.options.database
    await drop_database(server_url, name)
    url = await create_empty_database(server_url, name, cluster.options.state.secret())
    await programs.restore(url, folder)
