"""Where root's data lie: remembered once, read by everybody, and never exchanged for an empty folder."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shared.environment_fault import EnvironmentFault
from shared.postgres.account import REACHABLE, Account, abandoned, account, known_place, place
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.server_settings import ServerSettings
from u2c.deployment.cluster import SERVER_CHECK_S, Cluster, ClusterOptions
from u2c.deployment.state import State

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its server to another user")

SMALL = ServerSettings(shared_buffers_mb=32, connections_max=20)
BACK_TIMEOUT_S = 60
CALLS = 700
ASKING = f"""
import sys
from pathlib import Path
from shared.postgres.account import account, place
from shared.postgres.embedded import EmbeddedPostgres
state, who = Path(sys.argv[1]), account()
server = EmbeddedPostgres(state.parent)
for _ in range({CALLS}):
    with server._lock():
        print(place(state, who))
    assert server.running() is None
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "postgres"
    made.mkdir()
    yield made
    for folder in _folders(tmp_path):
        shutil.rmtree(folder)


def _folders(tmp_path: Path) -> list[Path]:
    """Every folder outside that belongs to a state below `tmp_path`."""
    homes = [home for folder in REACHABLE for home in folder.glob("u2c-*/home") if home.is_file()]
    return [home.parent for home in homes if home.read_text().startswith(f"{tmp_path}/")]


def test_two_processes_that_ask_all_the_time_agree_on_one_place(state: Path) -> None:
    first = place(state, account())
    asking = [
        subprocess.Popen([sys.executable, "-c", ASKING, str(state)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate()[0].split() for process in asking]
    assert [process.returncode for process in asking] == [0, 0]
    assert [len(places) for places in told] == [CALLS, CALLS]
    assert {*told[0], *told[1]} == {str(first)}
    assert _folders(state.parent) == [first]


def test_asking_writes_nothing(state: Path) -> None:
    memory, who = state / "place", account()
    place(state, who)
    before = memory.stat()
    assert place(state, who) == known_place(state, who)
    assert (memory.stat().st_ino, memory.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_asking_whether_it_runs_makes_no_place(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    assert EmbeddedPostgres(tmp_path).running() is None
    assert list((tmp_path / "postgres").iterdir()) == []
    assert _folders(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{state}\n", "{state}\n{gone}\n"])
def test_a_memory_that_leads_nowhere_is_said_and_kept(state: Path, text: str) -> None:
    first, memory = place(state, account()), state / "place"
    memory.write_text(text.format(state=state, gone=f"{first}-gone"))
    for ask in (place, known_place):
        with pytest.raises(EnvironmentFault) as told:
            ask(state, account())
        assert str(first) in told.value.remedy and f"rm {memory}" in told.value.remedy
    assert memory.read_text() == text.format(state=state, gone=f"{first}-gone")
    assert _folders(state.parent) == [first]


def test_a_folder_of_somebody_else_with_our_name_is_passed_over(state: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="u2c-", dir=REACHABLE[0]) as folder:
        (Path(folder) / "home").mkdir()
        assert Path(folder) not in abandoned()
        (state / "place").write_text("nothing")
        with pytest.raises(EnvironmentFault, match="does not name the folder"):
            known_place(state, account())


def test_a_moved_state_keeps_its_place_and_a_copied_one_does_not(state: Path) -> None:
    who, first = account(), place(state, account())
    copied = Path(shutil.copytree(state, state.with_name("copied")))
    assert known_place(copied, who) is None
    second = place(copied, who)
    assert second != first
    moved = state.rename(state.with_name("moved"))
    assert (place(moved, who), place(copied, who)) == (first, second)
    assert (moved / "place").read_text() == f"{moved}\n{first}\n"


def test_an_ordinary_user_keeps_it_in_the_state(state: Path) -> None:
    somebody = Account("somebody")
    assert (place(state, somebody), known_place(state, somebody), known_place(state / "none", somebody)) == (
        state,
        state,
        None,
    )


def test_a_state_exchanged_under_a_running_server_is_refused_and_the_server_lives() -> None:
    with tempfile.TemporaryDirectory(prefix="u2c-test-") as folder:
        server = EmbeddedPostgres(Path(folder), SMALL)
        pid, memory = server.start().pid, server.state / "place"
        said = memory.read_text()
        memory.unlink()
        assert server.running() is None
        with pytest.raises(EnvironmentFault, match="no longer says so"):
            server.start()
        assert psutil.pid_exists(pid)
        memory.write_text(said)
        found = server.start()
        assert (found.pid, found.owned) == (pid, True)
        server.remove()
        assert not psutil.pid_exists(pid)


def test_a_server_that_cannot_be_found_is_ended_before_another_starts() -> None:
    with tempfile.TemporaryDirectory(prefix="u2c-test-") as folder:
        server = EmbeddedPostgres(Path(folder), SMALL)
        pid = server.start().pid
        (server._data / "postmaster.pid").unlink()
        again = server.start()
        assert again.pid != pid and again.owned
        assert not psutil.pid_exists(pid)
        server.remove()


async def test_the_watcher_says_once_what_is_in_the_way_and_goes_on_when_it_is_gone(tmp_path: Path) -> None:
    told: list[str] = []
    options = ClusterOptions(
        state=State(tmp_path), server=SMALL, base_port=0, services=(), report=told.append
    )
    async with Cluster(options) as cluster:
        memory, pid = tmp_path / "postgres" / "place", cluster.pids()["postgres"]
        said = memory.read_text()
        memory.unlink()
        await _until(lambda: len(told) == 2)
        await asyncio.sleep(3 * SERVER_CHECK_S)
        assert [("postgres ended" in line, "no longer says so" in line) for line in told] == [
            (True, False),
            (False, True),
        ]
        assert psutil.pid_exists(pid) and not memory.exists()
        memory.write_text(said)
        assert cluster.pids() == {"postgres": pid}
        await cluster.kill_postgres()
        await _until(lambda: cluster.pids().get("postgres", pid) != pid)
    EmbeddedPostgres(tmp_path).remove()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(BACK_TIMEOUT_S):
        while not holds():
            await asyncio.sleep(0.05)
