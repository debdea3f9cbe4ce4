"""A door that really runs: the service as `u2c service` starts it, on a real Postgres with the Postgres log
as its bus."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from services.usage_ingest.main import create_key
from shared.bus import Record
from shared.bus.postgres_log import PostgresLog
from shared.topics import Topic
from shared.topics.rating import CATALOGUE_METERS, CUSTOMERS
from shared.topics.usage_ingest import USAGE_EVENTS, UsageMessage
from tests.conftest import TestDatabase, TestServer, fresh_database, in_thread, say, stand_clock
from tests.services.usage_ingest.circumstances import NOW, customer, event, meter
from tests.waiting import until
from u2c.deployment.state import ROOT

METERS = (
    meter("departures", "count"),
    meter("miles", "sum", "distance"),
    meter("tails", "unique", "tail", "ignore"),
)
START_TIMEOUT_S = 120.0
WAIT_S = 60.0


@dataclass
class Door:
    """A running usage_ingest and a key that may do everything."""

    url: str
    key: str
    database: TestDatabase
    process: subprocess.Popen[bytes]

    def client(self, key: str | None = None) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    async def hear(self, topic: Topic, *messages: Any) -> None:
        """Say these on the bus, as rating would."""
        await self.publish(topic.name, *(Record(b"any", topic.encode(message)) for message in messages))

    async def publish(self, topic: str, *records: Record) -> None:
        await say(self.database.admin_url, topic, records)

    async def read(self, topic: Topic) -> list[Any]:
        """All messages of a topic, in no order across partitions."""
        pool = await asyncpg.create_pool(self.database.url("rating"), min_size=1, max_size=2)
        bus = PostgresLog(pool)
        try:
            runs = [
                await bus.read(topic.name, partition, 0, 1_000_000) for partition in range(topic.partitions)
            ]
        finally:
            await pool.close()
        return [topic.decode(record.value) for run in runs for record in run.records]

    async def usage(self, source: str) -> list[UsageMessage]:
        """What of this source is on usage.events."""
        return [message for message in await self.read(USAGE_EVENTS) if message.source == source]

    async def knows_customers(self) -> bool:
        """Whether the door judges by the catalogue said above."""
        with self.client() as client:
            answer = client.post("/v1/events?dry_run=true", json=event())
        return bool(answer.json()["results"] == [])

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows as the administrator sees them."""
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()


@contextmanager
def running(database: TestDatabase, key: str, log: Path, **settings: str) -> Iterator[Door]:
    """Serve the door on a free port until the block ends."""
    port = _free_port()
    environment = {
        **os.environ,
        "U2C_DATABASE_URL": database.url("usage_ingest"),
        "U2C_PORT": str(port),
        "U2C_LOG_LEVEL": "warning",
        **settings,
    }
    command = [sys.executable, "-m", "u2c", "service", "usage_ingest"]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as process,
    ):
        door = Door(f"http://127.0.0.1:{port}", key, database, process)
        try:
            _await_start(door, log)
            yield door
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(15)


@contextmanager
def opened(server: TestServer, folder: Path, at: datetime | None = NOW, **settings: str) -> Iterator[Door]:
    """Serve a door on a fresh database, its log in `folder` and its clock at an instant; None: it goes."""
    with fresh_database(server) as database:
        if at is not None:
            in_thread(stand_clock(database.admin_url, at))
        key = in_thread(create_key(database.url("usage_ingest"), "test", ["admin"]))
        with running(database, key, folder / "door.log", **settings) as found:
            yield found


@pytest.fixture(scope="session")
def door(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One door for all tests: they use ids and sources of their own."""
    with opened(postgres_server, tmp_path_factory.mktemp("door")) as found:
        in_thread(found.hear(CATALOGUE_METERS, *METERS))
        in_thread(found.hear(CUSTOMERS, customer("UA", "united")))
        in_thread(until(found.knows_customers))
        yield found


def _await_start(door: Door, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert door.process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"{door.url}/healthz", trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the door did not open: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
