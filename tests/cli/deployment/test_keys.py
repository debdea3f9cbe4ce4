"""The first keys of a deployment on this machine: kept, and made anew where they may do something else."""

import hashlib
import json
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from services.console.domain.roles import AUTHORITY
from tests.conftest import TestDatabase
from u2c.deployment import keys
from u2c.deployment.keys import derived_key, ensure_derived_keys, ensure_keys
from u2c.deployment.services import KEY_SCOPES, ROLE_KEYS
from u2c.deployment.state import State
from u2c.verbs.console import app


async def living(database: TestDatabase) -> dict[str, str]:
    """Hash → name of the keys that work."""
    connection = await asyncpg.connect(database.admin_url)
    rows = await connection.fetch("select hash, name from usage_ingest.access_keys where not revoked")
    await connection.close()
    return {row["hash"]: row["name"] for row in rows}


def hashes(made: dict[str, str]) -> dict[str, str]:
    return {hashlib.sha256(secret.encode()).hexdigest(): name for name, secret in made.items()}


@pytest.fixture
def state(database: TestDatabase, tmp_path: Path) -> State:
    state = State(tmp_path)
    state.adopt_secret(database.secret)
    return state


async def test_keys_are_kept_and_those_of_the_console_made_only_with_it(
    database: TestDatabase, state: State
) -> None:
    without = [name for name in KEY_SCOPES if name not in ROLE_KEYS]
    first = await ensure_keys(state, database.name, database.admin_url, without)
    assert first.keys() == set(without) == {"admin", "billing", "signals"}
    both = await ensure_keys(state, database.name, database.admin_url, KEY_SCOPES)
    assert both.keys() == KEY_SCOPES.keys() and both.items() >= first.items()
    assert await ensure_keys(state, database.name, database.admin_url, KEY_SCOPES) == both
    assert await living(database) == hashes(both)


async def test_a_role_that_may_do_something_else_has_another_key_and_the_old_one_ends(
    database: TestDatabase, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await ensure_keys(state, database.name, database.admin_url, KEY_SCOPES)
    derived = derived_key("secret", "console-leader")
    monkeypatch.setitem(KEY_SCOPES, "console-leader", (*AUTHORITY["leader"].scopes, "usage:write"))
    after = await ensure_keys(state, database.name, database.admin_url, KEY_SCOPES)
    assert {name for name in after if after[name] != before[name]} == {"console-leader"}
    assert await living(database) == hashes(after)
    assert derived_key("secret", "console-leader") != derived, "so it is where keys follow from the secret"


async def test_where_keys_follow_from_the_secret_the_old_one_of_a_role_ends_too(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await ensure_derived_keys(database.admin_url, database.secret)
    scopes = tuple(scope for scope in AUTHORITY["leader"].scopes if scope != "invoices:write")
    monkeypatch.setitem(KEY_SCOPES, "console-leader", scopes)
    after = await ensure_derived_keys(database.admin_url, database.secret)
    assert {name for name in after if after[name] != before[name]} == {"console-leader"}
    assert await living(database) == hashes(after)
    assert await ensure_derived_keys(database.admin_url, database.secret) == after


async def test_rotated_keys_end_at_the_next_start(
    database: TestDatabase, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await ensure_keys(state, database.name, database.admin_url, KEY_SCOPES)
    monkeypatch.setenv("U2C_STATE", str(state.folder))
    told = CliRunner().invoke(app, ["keys", "rotate", "--database", database.name, "--json"])
    assert told.exit_code == 0 and json.loads(told.stdout)["keys"] == sorted(ROLE_KEYS)
    after = await ensure_keys(state, database.name, database.admin_url, KEY_SCOPES)
    assert {name for name in after if after[name] != before[name]} == ROLE_KEYS.keys()
    assert await living(database) == hashes(after)
    assert keys.forget_role_keys(state, "another") == []
