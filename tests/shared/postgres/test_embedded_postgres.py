"""The embedded server: found running, recovered after kill -9, durable by default, and never left behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.server_settings import ServerSettings

SMALL = ServerSettings(shared_buffers_mb=32, connections_max=20)
GONE_TIMEOUT_S = 30


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path, SMALL)
    yield made
    made.remove()


async def _value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_it_is_durable_and_asks_for_its_password(server: EmbeddedPostgres) -> None:
    info = server.start()
    settings = (
        "select current_setting('fsync') || current_setting('synchronous_commit') || current_setting('jit')"
    )
    assert await _value(info.admin_url, settings) == "ononoff"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(info.admin_url.replace("postgres:", "postgres:wrong", 1))
    assert stat.S_IMODE((server.state / "password").stat().st_mode) == 0o600


async def test_a_second_start_finds_it_and_does_not_own_it(server: EmbeddedPostgres) -> None:
    first = server.start()
    second = EmbeddedPostgres(server.state.parent, SMALL)
    found = second.start()
    assert (found.pid, found.owned, first.owned) == (first.pid, False, True)
    second.stop()
    assert server.running() is not None
    server.stop()
    assert server.running() is None


async def test_it_recovers_what_was_committed_after_kill_9_on_the_same_port(server: EmbeddedPostgres) -> None:
    info = server.start()
    await _value(info.admin_url, "create table kept as select 7 as n")
    await _value(info.admin_url, "select 1")
    server.kill()
    assert server.running() is None
    again = server.start()
    assert (again.port, again.pid == info.pid) == (info.port, False)
    assert await _value(again.admin_url, "select n from kept") == 7


async def test_a_pid_file_whose_number_belongs_to_another_program_is_no_obstacle(
    server: EmbeddedPostgres,
) -> None:
    info = server.start()
    server.kill()
    pid_file = server._data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(info.pid), str(os.getpid()), 1))
    assert server.running() is None
    assert server.start().pid not in (info.pid, os.getpid())


async def test_a_port_taken_meanwhile_is_given_up_for_another(server: EmbeddedPostgres) -> None:
    port = server.start().port
    server.stop()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", port))
        taker.listen()
        info = server.start()
    assert info.port != port
    assert await _value(info.admin_url, "select 1") == 1


def test_it_does_not_survive_the_command_that_started_it(tmp_path: Path) -> None:
    """The command is killed by SIGKILL, so nothing of its own code can tidy up."""
    program = f"""
import sys, time
from pathlib import Path
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.server_settings import ServerSettings
server = EmbeddedPostgres(Path({str(tmp_path)!r}), ServerSettings(shared_buffers_mb=32, connections_max=20))
print(server.start().pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    gone = not _runs(pid)
    left = EmbeddedPostgres(tmp_path, SMALL)
    left.start()
    left.remove()
    assert gone


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
