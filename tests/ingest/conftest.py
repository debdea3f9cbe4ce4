"""A door that really runs: the app as uvicorn serves it, on a real Postgres with the Postgres log as its bus."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from services.usage_ingest.main import create_key
from tests.conftest import TestDatabase

START_TIMEOUT_S = 30.0
WAIT_S = 20.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Door:
    """A running usage_ingest and a key that may do everything."""

    url: str
    key: str
    database: TestDatabase
    process: subprocess.Popen[bytes]

    def client(self, key: str | None = None, **options: Any) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, **options)

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
    environment = {**os.environ, "U2C_DATABASE_URL": database.url("usage_ingest"), "U2C_LOG_LEVEL": "warning", **settings}
    command = [sys.executable, "-m", "uvicorn", "services.usage_ingest.main:app", "--port", str(port), "--log-level", "warning"]
    with log.open("ab") as output, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as process:
        door = Door(f"http://127.0.0.1:{port}", key, database, process)
        try:
            _await_start(door, log)
            yield door
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(15)


@pytest.fixture
async def door(database: TestDatabase, tmp_path: Path) -> Any:
    key = await create_key(database.url("usage_ingest"), "test", ["admin"])
    with running(database, key, tmp_path / "door.log") as found:
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
