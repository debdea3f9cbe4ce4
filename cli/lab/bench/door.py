"""`u2c bench door`: CPU of the door's process an event, over bodies that are the same every time, while
nothing else runs.

The other services are there until the door has heard of meters and customers from them, and sleep while it is
measured.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import httpx2
import msgspec
from rich.console import Console
from rich.table import Table

from lab.bench.checkout import Checkout, DrivenDeployment, driven
from lab.bench.machine import own_cpu_s
from lab.bench.sender import Load, post_all
from lab.bench.workload import METERS, Bodies, BodiesPlan, Request, customer_document

CUSTOMERS = 200
SEED = 1
HEARD_TIMEOUT_S, HEARD_POLL_S = 60.0, 0.1
DOOR = "usage_ingest"


@dataclass(frozen=True)
class DoorWanted:
    """`rounds` times the same `events`, after one round that warms up."""

    events: int
    rounds: int


async def measure_door(
    checkout: Checkout, wanted: DoorWanted, say: Callable[[str], None]
) -> dict[str, float]:
    """Microseconds of the door's CPU an event: the median of the rounds, the least and the most."""
    async with driven(checkout, "postgres", "bench-door") as deployed:
        return await door_of(deployed, wanted, say)


async def door_of(
    deployed: DrivenDeployment, wanted: DoorWanted, say: Callable[[str], None]
) -> dict[str, float]:
    """The same of a deployment that has just started; its other services sleep afterwards."""
    cluster = deployed.cluster
    bodies = await _bodies(deployed, wanted.events)
    await post_all(cluster.urls["rating"], cluster.admin_key, "/v1/meters", list(METERS))
    await post_all(
        cluster.urls["rating"],
        cluster.admin_key,
        "/v1/customers",
        [customer_document(n) for n in range(CUSTOMERS)],
    )
    await _until_heard(cluster.urls[DOOR], cluster.admin_key, bodies)
    for service in cluster.processes:
        if service != DOOR:
            cluster.pause(service)
    say(f"sending {wanted.events:,} events {wanted.rounds} times …")
    found = [await _round(deployed, bodies) for _ in range(wanted.rounds + 1)][1:]
    return {
        "cpu_us_per_event": round(median(found), 3),
        "least": round(min(found), 3),
        "most": round(max(found), 3),
    }


async def _round(deployed: DrivenDeployment, bodies: Bodies) -> float:
    cluster = deployed.cluster
    before = own_cpu_s(cluster.processes[DOOR])
    sent = await Load(cluster.urls[DOOR], cluster.admin_key, bodies).run()
    assert sent.published == sent.messages and not sent.quarantined, f"{sent.quarantined} quarantined"
    return (own_cpu_s(cluster.processes[DOOR]) - before) / sent.messages * 1e6


async def _bodies(deployed: DrivenDeployment, events: int) -> Bodies:
    """The same bytes every time, but for the day: yesterday, which the door takes whenever this runs."""
    file, index = deployed.folder / "door.bodies", deployed.folder / "door.index"
    since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    plan = BodiesPlan(
        str(file),
        str(index),
        events,
        CUSTOMERS,
        SEED,
        since.timestamp(),
        (since + timedelta(hours=23)).timestamp(),
    )
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lab.bench.bodies", stdin=asyncio.subprocess.PIPE
    )
    await writer.communicate(msgspec.json.encode(plan))
    assert writer.returncode == 0, "the writer of the bodies failed"
    return Bodies(file, tuple(msgspec.msgpack.decode(index.read_bytes(), type=list[Request])))


async def _until_heard(url: str, key: str, bodies: Bodies) -> None:
    """Wait until the door knows every meter and customer of the first body: an event nobody waits for takes
    another way."""
    first = bodies.requests[0]
    body = bodies.file.read_bytes()[first.offset : first.offset + first.length]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents-batch+json"}
    async with (
        asyncio.timeout(HEARD_TIMEOUT_S),
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30, headers=headers) as http,
    ):
        while True:
            answer = (
                (await http.post("/v1/events", params={"dry_run": "true"}, content=body))
                .raise_for_status()
                .json()
            )
            if not any(result["code"] == "unmatched" for result in answer["results"]):
                return
            await asyncio.sleep(HEARD_POLL_S)


def show_door(found: dict[str, float], wanted: DoorWanted, words: Console) -> None:
    table = Table(
        "CPU of the door's process",
        "µs an event",
        title=f"{wanted.rounds} rounds of {wanted.events:,} events",
        title_justify="left",
    )
    for name, value in (
        ("median", found["cpu_us_per_event"]),
        ("least", found["least"]),
        ("most", found["most"]),
    ):
        table.add_row(name, f"{value:.2f}")
    words.print(table)
