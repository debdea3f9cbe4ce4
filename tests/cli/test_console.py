"""`u2c console user`: who may sign in, said by whoever runs commands on the deployment's machine."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from services.console.people.usecases.hash_password import opens
from shared.postgres.setup import CONSOLE
from tests.conftest import TestDatabase, in_thread
from u2c.verbs.console import app

PASSWORD = "four words nobody joins"
Run = Callable[..., Result]


@pytest.fixture
def run(database: TestDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("add", "ana", "--role", "leader", typed=PASSWORD)`, on the test's database."""
    monkeypatch.setenv("U2C_SECRET", database.secret)
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    place = ("--database-url", database.server_url, "--database", database.name, "--json")

    def ran(verb: str, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, ["user", verb, *arguments, *place], input=f"{typed}\n")

    return ran


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def rows(database: TestDatabase, sql: str) -> list[dict[str, Any]]:
    async def asked() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(database.admin_url)
        try:
            return [dict(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    found: list[dict[str, Any]] = in_thread(asked())
    return found


def test_people_are_added_listed_changed_and_ended(run: Run, database: TestDatabase) -> None:
    assert told(run("list"))["data"] == []
    assert (
        told(run("add", "Ana@Example.com", "--role", "finance", typed=PASSWORD))["name"] == "ana@example.com"
    )
    [stored] = rows(database, "select * from console.people")
    assert stored["password_hash"].startswith("$argon2id$") and opens(stored["password_hash"], PASSWORD)
    assert told(run("role", "ana@example.com", "leader"))["role"] == "leader"
    assert told(run("reset", "ana@example.com", typed="another four words"))["sessions_ended"] == 0
    assert told(run("sign-out", "ana@example.com"))["sessions_ended"] == 0
    told(run("end", "ana@example.com"))
    [shown] = told(run("list"))["data"]
    assert (shown["name"], shown["role"], shown["sessions"]) == ("ana@example.com", "leader", 0)
    assert shown["ended_at"] is not None
    [ended] = rows(database, "select * from console.people")
    assert ended["password_hash"] is None
    audited = rows(database, "select * from console.audit order by audit_id")
    assert [(row["verb"], row["actor"]) for row in audited] == [
        (verb, "command line")
        for verb in ("add_person", "change_role", "reset_password", "sign_out_everywhere", "end_person")
    ]
    assert not [row for row in audited if "argon2" in str(row) or PASSWORD in str(row)]


def test_all_are_signed_out_at_once_each_by_a_row(run: Run, database: TestDatabase) -> None:
    for name in ("ana", "bea", "eve"):
        told(run("add", name, "--role", "leader", typed=PASSWORD))
    rows(
        database,
        """insert into console.sessions (id_hash, name, begun_at, expires_at)
           select convert_to(name || one, 'utf8'), name, now(), now() + interval '1 hour'
             from console.people, generate_series(1, 2) one where name <> 'eve' returning name""",
    )
    assert run("sign-out").exit_code == run("sign-out", "ana", "--all").exit_code == 2
    assert told(run("sign-out", "--all"))["sessions_ended"] == 4
    assert rows(database, "select name from console.sessions") == []
    audited = rows(
        database, "select object_id from console.audit where verb = 'sign_out_everywhere' order by 1"
    )
    assert [row["object_id"] for row in audited] == ["ana", "bea"]


def test_a_password_of_a_file_with_carriage_returns_is_the_one_that_is_typed(
    run: Run, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input as Python opens it; a runner of commands would translate it."""
    place = ("--database-url", database.server_url, "--database", database.name)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{PASSWORD}\r\n".encode()), newline="\n"))
    app(["user", "add", "ana", "--role", "leader", *place], standalone_mode=False)
    [stored] = rows(database, "select password_hash from console.people")
    assert opens(stored["password_hash"], PASSWORD)


def test_what_cannot_be_is_refused_with_the_remedy(run: Run) -> None:
    told(run("add", "ana", "--role", "finance", typed=PASSWORD))
    again = run("add", "ANA", "--role", "leader", typed=PASSWORD)
    assert again.exit_code == 1 and "u2c console user role ana" in again.stderr
    weak = run("add", "bea", "--role", "leader", typed="short")
    assert weak.exit_code == 1 and "it has 5 characters" in weak.stderr
    named = run("add", "bea", "--role", "leader", typed="my name is Bea indeed")
    assert named.exit_code == 1 and "contains the name" in named.stderr
    for name in ("key_1", "", "a b", "a\nb", "<b>", "x" * 65):
        assert run("add", name, "--role", "leader", typed=PASSWORD).exit_code == 2
    assert run("add", "bea", "--role", "boss", typed=PASSWORD).exit_code == 2
    unknown = run("role", "bea", "leader")
    assert unknown.exit_code == 1 and "u2c console user list" in unknown.stderr
    told(run("end", "ana"))
    assert run("reset", "ana", typed=PASSWORD).exit_code == 1
    assert run("add", "ana", "--role", "leader", typed=PASSWORD).exit_code == 1, "a name is not given again"


def test_in_its_own_container_it_takes_the_database_that_its_secrets_name(
    run: Run, database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "U2C_DATABASE_URL").write_text(database.url(CONSOLE))
    monkeypatch.setenv("U2C_SECRETS", str(tmp_path))
    result = CliRunner().invoke(app, ["user", "add", "ana", "--role", "admin"], input=f"{PASSWORD}\n")
    assert result.exit_code == 0 and "ana may sign in as admin." in result.stdout
    assert [row["name"] for row in rows(database, "select name from console.people")] == ["ana"]
