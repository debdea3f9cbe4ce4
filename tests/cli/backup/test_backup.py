"""A backup of a running deployment is one moment of it; restored, the deployment goes on from there and
nothing is counted twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lab.departures.client import Client
from shared.bus.kafka_access import KafkaAccess
from shared.environment_fault import EnvironmentFault
from shared.postgres.setup import drop_database
from tests.conftest import TestDatabase
from tests.services.rating.deployment import terms
from tests.waiting import until
from u2c.backup.manifest import BOOK, read
from u2c.backup.restoring import put_back
from u2c.backup.taking import take
from u2c.deployment.cluster import Cluster, ClusterOptions

EVENTS = 3000


@pytest.fixture
async def cluster(cluster_options: Callable[..., ClusterOptions]) -> AsyncIterator[Cluster]:
    async with Cluster(cluster_options(restart=False, clock_at=datetime(2024, 1, 1, tzinfo=UTC))) as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_what_was_taken_while_events_came_in_goes_on_from_there(
    cluster: Cluster, tmp_path: Path
) -> None:
    client, events = Client(cluster.urls, cluster.admin_key), [event(n) for n in range(EVENTS)]
    await set_up(client)
    await sign_somebody_in(cluster.database_url)
    await client.send_events(events[:1000])
    options, secret, name = (
        cluster.options,
        cluster.options.state.secret(),
        f"{cluster.options.database}_back",
    )
    sending = asyncio.create_task(client.send_events(events[1000:2000]))
    manifest = await take(cluster.database_url, tmp_path / "backup", secret)
    await sending
    assert (manifest.database, manifest.bus) == (options.database, "postgres")
    assert secret not in "".join(
        path.read_text(errors="replace") for path in (tmp_path / "backup").glob("*.json")
    )
    await client.close()
    await cluster.stop()
    restored = await put_back(
        read(tmp_path / "backup"), tmp_path / "backup", str(options.admin_url), name, secret, KafkaAccess("")
    )
    try:
        assert restored.sealed and not restored.reissued
        async with Cluster(
            ClusterOptions(
                state=options.state, database=name, admin_url=options.admin_url, base_port=0, restart=False
            )
        ) as again:
            await _goes_on(again, events)
    finally:
        await drop_database(str(options.admin_url), name)


async def sign_somebody_in(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """insert into console.people (name, role, added_at) values ('ana', 'leader', now());
        insert into console.sessions values ('\\x00', 'ana', now(), now() + interval '12 hours')"""
    )
    await connection.close()


async def _goes_on(again: Cluster, events: list[bytes]) -> None:
    """Producers send what they are not sure of again, and more: each counts once, and the month closes."""
    client = Client(again.urls, again.admin_key)
    try:
        connection = await asyncpg.connect(again.database_url)
        assert await connection.fetchval("select count(*) from bus.batches") > 0
        assert await connection.fetchval("select count(*) from console.people") == 1
        assert await connection.fetchval("select count(*) from console.sessions") == 0, (
            "it may have ended since"
        )
        await connection.close()
        await client.send_events(events)
        await client.post("rating", "/v1/clock/advance", {"to": "2024-02-05T00:00:00Z"})
        invoice = await until(lambda: finalized(client))
        assert (invoice["total"], invoice["lines"][0]["quantity"]) == (f"{2 * EVENTS}.00", str(EVENTS))
        checked = await client.get("billing", "/v1/reconciliation", check=True)
        assert checked["conservation"]["holds"], checked["conservation"]
    finally:
        await client.close()


async def test_a_backup_that_is_not_as_it_was_made_is_refused_and_none_replaces_another(
    database: TestDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    await take(database.admin_url, folder, database.secret)
    with pytest.raises(EnvironmentFault, match="there already"):
        await take(database.admin_url, folder, database.secret)
    with pytest.raises(EnvironmentFault, match="There is a database"):
        await put_back(
            read(folder), folder, database.server_url, database.name, database.secret, KafkaAccess("")
        )
    damaged = next(path for path in sorted((folder / BOOK).iterdir()) if path.name != "toc.dat")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    with pytest.raises(EnvironmentFault, match=f"not as it was made: {damaged.name}"):
        read(folder)
    with pytest.raises(EnvironmentFault, match="is no backup"):
        read(tmp_path)


async def test_a_backup_that_breaks_off_leaves_nothing_that_looks_whole(
    database: TestDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(_url: str, folder: Path, _snapshot: str) -> None:
        folder.mkdir()
        (folder / "toc.dat").write_text("half")
        raise EnvironmentFault("the disk is full", "make room")

    monkeypatch.setattr("u2c.backup.taking.dump", fails)
    with pytest.raises(EnvironmentFault, match="the disk is full"):
        await take(database.admin_url, tmp_path / "backup", database.secret)
    assert list(tmp_path.glob("backup*")) == []


async def set_up(client: Client) -> None:
    await client.post(
        "rating", "/v1/meters", {"meter": "calls", "event_type": "call", "aggregation": "count"}
    )
    await client.post("rating", "/v1/customers", {"external_id": "acme", "name": "Acme", "timezone": "UTC"})
    await client.post("rating", "/v1/contracts", terms("acme-1", "acme"))


def event(n: int) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "source": "test",
            "id": str(n),
            "type": "call",
            "subject": "acme",
            "time": "2024-01-01T00:00:00Z",
            "data": {},
        }
    ).encode()


async def finalized(client: Client) -> Any:
    found = [row async for row in client.pages("billing", "/v1/invoices", status="finalized")]
    return found[0] if found else None
