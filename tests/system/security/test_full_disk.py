"""A full disk shows in /readyz, with the remedy, before and after Postgres itself refuses to write."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.postgres.account import account
from shared.postgres.setup import drop_database
from tests.conftest import TEMPLATE, TestDatabase, TestServer, in_thread
from tests.system.security.conftest import Serve, Served
from tests.waiting import until

MB = 2**20


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, 600 MB at most, that the server's user can write to. Only root can make
    one."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = Path(tempfile.mkdtemp(prefix="u2c-disk-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=0777", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.fixture
def database(small_disk: Path, postgres_server: TestServer) -> Iterator[TestDatabase]:
    """A migrated database whose files lie on the small disk; the server and its log lie elsewhere."""
    made = postgres_server.new_name()
    name = made.name
    (small_disk / "data").mkdir()
    account().give(small_disk / "data")
    in_thread(
        _as_admin(postgres_server.admin_url, f"create tablespace {name} location '{small_disk / 'data'}'")
    )
    in_thread(
        _as_admin(postgres_server.admin_url, f"create database {name} template {TEMPLATE} tablespace {name}")
    )
    yield made
    in_thread(drop_database(postgres_server.admin_url, name))
    in_thread(_as_admin(postgres_server.admin_url, f"drop tablespace {name}"))


async def test_postgres_that_can_write_no_more_is_not_ready_and_ready_again_by_itself(
    serve: Serve,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve("rating") as rating:
        assert await _disk(rating) == (200, "ok")
        _fill(small_disk, leave=0)
        monkeypatch.setattr("shared.runtime.disk.PROBE_EVERY_S", 0)
        status, told = await _disk(rating)
        assert status == 503 and "No space left on device" in told and "goes on by itself" in told
        (small_disk / "filler").unlink()
        await until(lambda: _ready(rating))


async def test_a_disk_this_process_can_see_is_said_when_low_and_not_ready_when_full(
    serve: Serve, small_disk: Path
) -> None:
    async with serve("billing", data_folder=str(small_disk / "data")) as billing:
        status, told = await _disk(billing)
        assert status == 200 and told.startswith("note: 0.") and "GB are free" in told
        _fill(small_disk, leave=100 * MB)
        status, told = await _disk(billing)
        assert status == 503 and str(small_disk) in told and "goes on by itself" in told


def _fill(disk: Path, leave: int) -> None:
    found = os.statvfs(disk)
    with open(disk / "filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, found.f_bavail * found.f_frsize - leave)


async def _disk(served: Served) -> tuple[int, str]:
    answer = await served.get("/readyz")
    return answer.status_code, answer.json()["checks"]["disk"]


async def _ready(served: Served) -> bool:
    return await _disk(served) == (200, "ok")


async def _as_admin(admin_url: str, statement: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
