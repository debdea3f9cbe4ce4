"""A deployment is found where it runs; what has ended is not taken for it."""

import json
import os
from dataclasses import replace

import pytest

from shared.environment_fault import EnvironmentFault
from shared.postgres.urls import same_server
from u2c.deployment.address import address, chosen
from u2c.deployment.book import book_url
from u2c.deployment.running import Running, began, forget, keep, running
from u2c.deployment.services import PORTS
from u2c.deployment.state import State
from u2c.verbs.env import shell_variables

URLS = {service: f"http://127.0.0.1:{port + 100}" for service, port in PORTS.items()}
HERE = Running(
    "u2c",
    os.getpid(),
    began(os.getpid()),
    URLS,
    {"rating": 1},
    "postgresql://127.0.0.1:5432/u2c",
    "logs",
    "postgres",
)


@pytest.fixture
def state(tmp_path, monkeypatch) -> State:  # type: ignore[no-untyped-def]
    for name in [name for name in os.environ if name.startswith("U2C_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    State.default().keep_keys("u2c", {"admin": "u2c_live_first"})
    State.default().keep_keys("u2c_demo", {"admin": "u2c_live_demo"})
    return State.default()


def test_it_is_written_for_its_owner_alone_and_gone_when_it_ends(state: State) -> None:
    keep(state, HERE)
    assert running(state) == [HERE]
    assert (state.folder / "running" / "u2c.json").stat().st_mode & 0o777 == 0o600
    forget(state, "u2c")
    assert running(state) == []


def test_what_was_killed_does_not_run_though_its_process_id_lives_on(state: State) -> None:
    keep(state, replace(HERE, began=HERE.began - 1))
    assert running(state) == []
    keep(state, replace(HERE, pid=2**22 + 1))
    assert running(state) == []


def test_a_record_of_another_version_is_no_deployment(state: State) -> None:
    state.keep_running("u2c", json.dumps({"database": "u2c"}))
    assert running(state) == []


def test_verbs_use_its_address_and_its_key(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(state, HERE)
    assert (address("rating").url, address("rating").keys[0]) == (URLS["rating"], "u2c_live_first")
    monkeypatch.setenv("U2C_BASE_PORT", "9101")
    assert address("rating").url == "http://127.0.0.1:9102"
    monkeypatch.setenv("U2C_RATING_URL", "http://elsewhere:1/")
    assert address("rating").url == "http://elsewhere:1"


def test_of_two_the_database_says_which(state: State) -> None:
    demo = replace(
        HERE, database="u2c_demo", urls={service: url.replace("82", "92") for service, url in URLS.items()}
    )
    keep(state, HERE)
    keep(state, demo)
    with pytest.raises(EnvironmentFault, match="--database NAME"):
        address("rating")
    assert address("rating", "u2c_demo").url == demo.urls["rating"]
    assert address("rating", "u2c_demo").keys[0] == "u2c_live_demo"
    with pytest.raises(EnvironmentFault, match="No deployment on the database other runs; there is u2c"):
        chosen([HERE], "other")


async def test_what_looks_into_the_book_takes_that_of_the_deployment_that_runs(state: State) -> None:
    """Restored under another name, it is the one that is verified and backed up, not the old one beside
    it."""
    keep(
        state, replace(HERE, database="u2c_restored", database_url="postgresql://127.0.0.1:5432/u2c_restored")
    )
    assert (
        await book_url("postgresql://admin:p@127.0.0.1/postgres", None)
        == "postgresql://admin:p@127.0.0.1/u2c_restored"
    )
    assert (
        await book_url("postgresql://admin:p@127.0.0.1/postgres", "u2c")
        == "postgresql://admin:p@127.0.0.1/u2c"
    )
    keep(state, replace(HERE, database_url="postgresql://127.0.0.1:5432/u2c"))
    with pytest.raises(EnvironmentFault, match="--database NAME"):
        await book_url("postgresql://admin:p@127.0.0.1/postgres", None)


def test_a_deployment_on_another_server_is_not_meant(state: State) -> None:
    assert not same_server(HERE.database_url, "postgresql://admin:p@127.0.0.1:5433/u2c")
    assert not same_server(HERE.database_url, "postgresql://admin:p@elsewhere/u2c")


def test_where_nothing_runs_a_shell_gets_no_address_but_one_that_is_named(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentFault, match=r"No deployment of this clone runs"):
        shell_variables(None)
    monkeypatch.setenv("U2C_KEY", "u2c_live_of_containers")
    assert shell_variables(None)["INGEST"] == "http://127.0.0.1:8101"
