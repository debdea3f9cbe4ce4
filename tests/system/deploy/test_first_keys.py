"""What the containers are told: the migration job has the one secret, each service only what is its own."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.console.domain.roles import AUTHORITY, variable
from shared.environment_fault import EnvironmentFault
from shared.postgres.setup import CONSOLE, PROCESSES, drop_database
from tests.conftest import TestDatabase, TestServer, in_thread
from tests.system.deploy.files import compose
from u2c.deployment.keys import derived_key
from u2c.deployment.secrets import read_secrets
from u2c.deployment.services import KEY_SCOPES
from u2c.deployment.state import ROOT
from u2c.verbs import service


@dataclass(frozen=True)
class Job:
    """What the job made of nothing, and what it said."""

    database: TestDatabase
    folder: Path
    keys: dict[str, str]

    def given(self) -> dict[str, dict[str, str]]:
        """Service → variable → value, as they lie in the folder now."""
        return {service: read_secrets(self.folder / service) for service in PROCESSES}


@pytest.fixture(scope="module")
def job(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """Run once: what it leaves is read by all, and not changed when it runs again."""
    database, folder = postgres_server.new_name(), tmp_path_factory.mktemp("secrets")
    yield Job(database, folder, _run_job(database, "--secrets", str(folder))["keys"])
    in_thread(drop_database(postgres_server.admin_url, database.name))


def test_the_job_makes_database_and_keys_and_may_run_again(job: Job) -> None:
    given = job.given()
    assert job.keys == {name: derived_key(job.database.secret, name) for name in KEY_SCOPES}
    assert _run_job(job.database)["keys"] == job.keys
    assert _run_job(job.database, "--secrets", str(job.folder))["keys"] == job.keys
    assert job.given() == given


def test_the_job_gives_each_service_what_is_its_own_and_nothing_that_opens_the_others(job: Job) -> None:
    given = job.given()
    logins = {"U2C_DATABASE_URL", "U2C_KAFKA_USERNAME", "U2C_KAFKA_PASSWORD"}
    assert {service: set(held) for service, held in given.items()} == {
        "usage_ingest": logins,
        "rating": logins,
        "billing": logins | {"U2C_AUDITOR_DATABASE_URL", "U2C_SERVICE_KEY"},
        "signals": logins | {"U2C_SERVICE_KEY", "U2C_WEBHOOK_KEY"},
        "console": {"U2C_DATABASE_URL", *(variable(role) for role in AUTHORITY)},
    }
    values = [value for held in given.values() for value in held.values()]
    assert len(set(values)) == len(values) and not [
        value for value in values if job.database.secret in value or value == job.keys["admin"]
    ]
    for path in job.folder.rglob("U2C_*"):
        assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("name", PROCESSES)
async def test_a_service_with_its_secrets_alone_is_itself_and_calls_with_a_key_of_its_own(
    job: Job, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    environment = {"U2C_SECRETS": str(job.folder / name)}
    monkeypatch.setattr(os, "environ", environment)
    service._take_secrets()
    connection = await asyncpg.connect(environment["U2C_DATABASE_URL"])
    try:
        assert await connection.fetchval("select current_user") == f"u2c_{name}"
    finally:
        await connection.close()
    if name in KEY_SCOPES:
        admin = await asyncpg.connect(job.database.admin_url)
        scopes = await admin.fetchval(
            "select scopes from usage_ingest.access_keys where hash = $1",
            hashlib.sha256(environment["U2C_SERVICE_KEY"].encode()).hexdigest(),
        )
        await admin.close()
        assert set(scopes) == set(KEY_SCOPES[name]) and not [
            scope for scope in scopes if not scope.endswith(":read")
        ]


async def test_the_console_has_a_key_a_role_with_its_scopes_and_seats(job: Job) -> None:
    given = job.given()[CONSOLE]
    admin = await asyncpg.connect(job.database.admin_url)
    for role, authority in AUTHORITY.items():
        key = await admin.fetchrow(
            "select name, scopes, seats from usage_ingest.access_keys where hash = $1",
            hashlib.sha256(given[variable(role)].encode()).hexdigest(),
        )
        assert key is not None and key["name"] == f"console-{role}"
        assert (set(key["scopes"]), set(key["seats"])) == (set(authority.scopes), set(authority.seats))
    await admin.close()


def test_a_folder_without_secrets_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="no secrets"):
        read_secrets(tmp_path)


def test_another_secret_gives_other_keys() -> None:
    keys = {derived_key(secret, name) for secret in ("one", "two") for name in KEY_SCOPES}
    assert len(keys) == 2 * len(KEY_SCOPES)


def _run_job(database: TestDatabase, *more: str) -> dict[str, Any]:
    """The job's command of compose, with the addresses and folders of this machine."""
    command = [*compose()["services"]["migrate"]["command"][:2], *more]
    environment = {
        **os.environ,
        "U2C_ADMIN_URL": database.server_url,
        "U2C_DATABASE": database.name,
        "U2C_SECRET": database.secret,
    }
    done = subprocess.run(
        [sys.executable, "-m", "u2c", *command, "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
