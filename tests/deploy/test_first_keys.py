"""What the containers derive from one secret: the migration job makes it, the services find it."""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import asyncpg
import pytest

from tests.conftest import TestDatabase
from tests.deploy.files import ROOT, compose
from u2c import service
from u2c.keys import derived_key
from u2c.services import KEY_SCOPES, SERVICE_KEY


def test_the_job_makes_database_and_keys_and_may_run_again(empty_database: TestDatabase) -> None:
    first, second = _run_job(empty_database), _run_job(empty_database)
    assert first == second
    assert first["keys"] == {name: derived_key(empty_database.secret, name) for name in KEY_SCOPES}


async def test_a_service_with_the_secret_alone_finds_its_database_and_its_key(
    empty_database: TestDatabase, monkeypatch: pytest.MonkeyPatch,
) -> None:
    _run_job(empty_database)
    environment: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", environment)
    environment.update(U2C_SERVER_URL=empty_database.admin_url, U2C_SECRET=empty_database.secret)
    service._derive_from_secret("usage_ingest")
    connection = await asyncpg.connect(environment["U2C_DATABASE_URL"])
    try:
        assert await connection.fetchval("select current_user") == "u2c_usage_ingest"
        scopes = await connection.fetchval(
            "select scopes from usage_ingest.access_keys where hash = $1", hashlib.sha256(environment["U2C_SERVICE_KEY"].encode()).hexdigest())
    finally:
        await connection.close()
    assert set(scopes) == set(KEY_SCOPES[SERVICE_KEY])


def test_another_secret_gives_other_keys() -> None:
    keys = {derived_key(secret, name) for secret in ("one", "two") for name in KEY_SCOPES}
    assert len(keys) == 2 * len(KEY_SCOPES)


def _run_job(database: TestDatabase) -> dict[str, Any]:
    """The job's command of compose, with the addresses of this machine."""
    command = compose()["services"]["migrate"]["command"]
    environment = {**os.environ, "U2C_ADMIN_URL": database.server_url, "U2C_DATABASE": database.name, "U2C_SECRET": database.secret}
    done = subprocess.run([sys.executable, "-m", "u2c", *command, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
