"""What whoever moves the clock may rely on, over the whole deployment: its answer comes when everything can
be read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from lab.departures.client import Client
from shared.bus import Record
from shared.topics.usage_ingest import USAGE_EVENTS
from tests.cli.backup.test_backup import set_up
from tests.conftest import say
from tests.services.rating.deployment import event
from u2c.deployment.cluster import Cluster, ClusterOptions

STARTS = datetime(2024, 1, 1, tzinfo=UTC)
DAYS, EVENTS_A_DAY = 36, 40  # over the month's end and its grace of three days


@pytest.mark.timeout(300)
async def test_a_draft_read_right_after_a_move_shows_every_event_sent_before(
    cluster_options: Callable[..., ClusterOptions],
) -> None:
    """Two instances of rating and of billing: what one of them consumes, its neighbour is asked for as
    well."""
    async with Cluster(cluster_options(restart=False, clock_at=STARTS)) as cluster:
        for service in ("rating", "billing"):
            await cluster.add(service)
        client = Client(cluster.urls, cluster.admin_key)
        try:
            await set_up(client)
            for day in range(1, DAYS):
                await client.send_events([_event(day, n) for n in range(EVENTS_A_DAY)])
                await client.move_clock(STARTS + timedelta(days=day))
                assert await _quantities(client) == _sent(day), f"day {day}"
        finally:
            await client.close()


@pytest.mark.timeout(300)
async def test_what_rating_sends_back_to_the_door_is_stored_when_a_move_has_answered(
    cluster_options: Callable[..., ClusterOptions],
) -> None:
    """Who stores it is asked before rating is, so this takes a second pass."""
    async with Cluster(
        cluster_options(restart=False, clock_at=STARTS, services=("usage_ingest", "rating"))
    ) as cluster:
        client, admin = Client(cluster.urls, cluster.admin_key), await asyncpg.connect(cluster.database_url)
        try:
            for day in range(1, 21):
                unfit = msgspec.structs.replace(event(f"day-{day}", "acme", STARTS), kind="rumour")
                await say(
                    cluster.database_url,
                    USAGE_EVENTS.name,
                    [Record(f"test\0{unfit.id}".encode(), USAGE_EVENTS.encode(unfit))],
                )
                await client.move_clock(STARTS + timedelta(days=day))
                assert await admin.fetchval("select count(*) from usage_ingest.quarantine") == day
        finally:
            await client.close()
            await admin.close()


def _event(day: int, n: int) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "source": "test",
            "id": f"{day}-{n}",
            "type": "call",
            "subject": "acme",
            "time": (STARTS + timedelta(days=day - 1, minutes=-1 if day > 1 else 0)).isoformat(),
            "data": {},
        }
    ).encode()


def _sent(day: int) -> dict[str, str]:
    """Month → what its document says on this day. An event bears the day before the one it is sent on."""
    months: dict[str, str] = {}
    for sent in range(1, day + 1):
        month = f"{STARTS + timedelta(days=max(sent - 2, 0)):%Y-%m}"
        months[month] = str(int(months.get(month, "0")) + EVENTS_A_DAY)
    return months


async def _quantities(client: Client) -> dict[str, str]:
    found: dict[str, Any] = {}
    async for row in client.pages("billing", "/v1/invoices"):
        document = await client.get("billing", f"/v1/invoices/{row['id']}")
        for line in document["lines"]:
            if line["quantity"] not in (None, "0"):
                found[document["period"]["start"][:7]] = line["quantity"]
    return found
