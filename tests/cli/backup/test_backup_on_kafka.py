"""A backup older than the bus, over a broker whose compaction is forced: what was consumed since is consumed
again, and no number is given twice."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from lab.departures.client import Client
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_reader import KafkaReader
from shared.bus.kafka_topics import settings_of
from shared.postgres.setup import SERVICES, drop_database
from shared.topics.rating import STATEMENTS
from tests.cli.backup.test_backup import EVENTS, event, finalized, set_up
from tests.needs import NEEDS_KAFKA
from tests.shared.topics.test_compaction import COMPACTED_SOON, SNAPSHOTS
from tests.waiting import until
from u2c.backup.manifest import read
from u2c.backup.restoring import put_back
from u2c.backup.taking import take
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.kafka_broker import KafkaBroker

pytestmark = [NEEDS_KAFKA, pytest.mark.long, pytest.mark.timeout(600)]
CLOSED = "2024-02-05T00:00:00Z"


async def test_what_was_consumed_since_is_consumed_again_and_no_number_is_given_twice(
    cluster_options: Callable[..., ClusterOptions],
    tmp_path: Path,
) -> None:
    broker = KafkaBroker(tmp_path / "kafka")
    brokers, events = broker.start(), [event(n) for n in range(EVENTS)]
    options = cluster_options(
        restart=False, bus="kafka", kafka_brokers=brokers, clock_at=datetime(2024, 1, 1, tzinfo=UTC)
    )
    admin_url, name, secret = str(options.admin_url), f"{options.database}_back", options.state.secret()
    try:
        async with Cluster(options) as cluster:
            await _compact_soon(brokers)
            client = Client(cluster.urls, cluster.admin_key)
            await set_up(client)
            await client.send_events(events[:1000])
            revoked = await client.post(
                "usage_ingest", "/v1/keys", {"name": "revoked since", "scopes": ["usage:write"]}
            )
            await take(cluster.database_url, tmp_path / "backup", secret)
            await client.post("usage_ingest", f"/v1/keys/{revoked['id']}/revoke", {})
            await client.send_events(events[1000:2000])
            await _until_compacted(client, brokers, events)
            await client.post("rating", "/v1/clock/advance", {"to": CLOSED})
            lost = await until(lambda: finalized(client))
            await client.close()
        restored = await put_back(
            read(tmp_path / "backup"), tmp_path / "backup", admin_url, name, secret, KafkaAccess(brokers)
        )
        assert restored.again >= 1000 and restored.reissued == [lost["number"]]
        async with Cluster(
            ClusterOptions(
                state=options.state,
                database=name,
                admin_url=admin_url,
                base_port=0,
                restart=False,
                bus="kafka",
                kafka_brokers=brokers,
            )
        ) as again:
            await _goes_on(again, events, str(lost["number"]))
            await _stays_revoked(again, revoked["id"])
    finally:
        await drop_database(admin_url, name)
        broker.stop()


async def _goes_on(again: Cluster, events: list[bytes], published: str) -> None:
    client = Client(again.urls, again.admin_key)
    try:
        await client.send_events(events)
        await client.post("rating", "/v1/clock/advance", {"to": CLOSED})
        invoice = await until(lambda: finalized(client))
        assert (invoice["total"], invoice["lines"][0]["quantity"]) == (f"{2 * EVENTS}.00", str(EVENTS))
        assert invoice["number"] != published
        checked = await client.get("billing", "/v1/reconciliation", check=True)
        assert checked["conservation"]["holds"], [
            broken for one in checked["conservation"]["statements"] for broken in one["breaks"]
        ]
    finally:
        await client.close()


async def _stays_revoked(again: Cluster, key_id: str) -> None:
    connection = await asyncpg.connect(again.database_url)
    try:
        for service in SERVICES:
            assert await connection.fetchval(
                f"select revoked from {service}.access_keys where key_id = $1", key_id
            ), service
    finally:
        await connection.close()


async def _compact_soon(brokers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.alter_configs(
        [
            *(
                ConfigResource(
                    ConfigResourceType.TOPIC, topic.name, configs={**settings_of(topic, 1), **COMPACTED_SOON}
                )
                for topic in SNAPSHOTS
            ),
            ConfigResource(ConfigResourceType.BROKER, "1", configs={"log.cleaner.backoff.ms": "100"}),
        ]
    )
    await admin.close()


async def _until_compacted(client: Client, brokers: str, events: list[bytes]) -> None:
    """Send the rest bit by bit, and look, so that statements are told again and again, until revisions of them are gone
    from the log."""
    reader, deadline, sent = KafkaReader(KafkaAccess(brokers)), time.monotonic() + 300, 2000
    try:
        while not await _has_holes(reader):
            assert time.monotonic() < deadline, "the broker does not compact"
            await client.send_events(events[sent : sent + 10])
            sent = min(sent + 10, EVENTS)
            await client.get("billing", "/v1/invoices", status="draft")
            await asyncio.sleep(0.7)
        await client.send_events(events[sent:])
    finally:
        await reader.close()


async def _has_holes(reader: KafkaReader) -> bool:
    for partition, bound in (await reader.bounds(STATEMENTS.name, STATEMENTS.partitions)).items():
        if bound.head:
            run = await reader.read(STATEMENTS.name, partition, bound.first, 1)
            if run.offsets and run.offsets[0] > 0:
                return True
    return False
