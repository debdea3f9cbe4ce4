"""Checks of the books are asked for, made one at a time, kept as far as they are, and gone on with after a death."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest

from services.billing.conservation.clients import Auditor, take_turn
from services.billing.conservation.usecases.keep_checks import LOOKING
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase
from tests.serving import serving
from tests.waiting import until
from u2c.deployment.state import ROOT

ALL = ["K1", "K2", "K3", "K4", "K5"]


@pytest.fixture
async def api(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (_, client):
        yield client


async def asked(api: httpx2.AsyncClient, by: str = "usr_ana") -> Any:
    answer = await api.post("/v1/reconciliation/checks", headers={"U2C-Actor": by})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def done(api: httpx2.AsyncClient, id: str) -> Any:
    async def is_done() -> bool:
        return bool((await api.get(f"/v1/reconciliation/checks/{id}")).json()["state"] == "done")

    await until(is_done, "the check is done")
    return (await api.get(f"/v1/reconciliation/checks/{id}")).json()


async def test_a_check_is_asked_for_and_its_result_is_kept(api: httpx2.AsyncClient) -> None:
    check = await asked(api)
    assert (check["state"], check["by"], check["holds"]) == ("waiting", "usr_ana", None)
    assert [one["done"] for one in check["progress"]] == [False] * 5
    found = await done(api, check["id"])
    assert [(one["k"], one["holds"]) for one in found["progress"]] == [(k, True) for k in ALL]
    assert (found["holds"], found["attempts"], found["fault"]) == (True, 1, None)
    last = (await api.get("/v1/reconciliation", params={"check": False})).json()
    assert last["conservation"] == found["conservation"], "the last one is shown without another"
    [listed] = (await api.get("/v1/reconciliation/checks")).json()["data"]
    assert listed == {name: value for name, value in found.items() if name != "conservation"}
    [row] = (await api.get("/v1/audit", params={"object": "check"})).json()["data"]
    assert (row["verb"], row["actor"], row["of"]["id"]) == ("check_books", "usr_ana", check["id"])


async def test_who_asks_while_one_waits_is_given_that_one(
    api: httpx2.AsyncClient, database: TestDatabase
) -> None:
    async with Auditor(database.url("u2c_auditor")).connection() as other:
        assert await take_turn(other), "another process makes checks"
        first, second = await asked(api), await asked(api, "usr_bo")
        assert (first["id"], first["by"]) == (second["id"], second["by"])
        assert (await api.get(f"/v1/reconciliation/checks/{first['id']}")).json()["state"] == "waiting"
    assert (await done(api, first["id"]))["holds"]
    rows = (await api.get("/v1/audit", params={"object": "check"})).json()["data"]
    assert [row["actor"] for row in rows] == ["usr_ana"], "the second call changed nothing"


async def test_a_look_at_the_books_waits_for_a_check_that_begins_after_it(api: httpx2.AsyncClient) -> None:
    first = (await api.get("/v1/reconciliation")).json()["conservation"]
    second = (await api.get("/v1/reconciliation")).json()["conservation"]
    assert first["holds"] and second["taken_at"] > first["taken_at"]
    pages = [await api.get("/v1/reconciliation/checks", params={"limit": 1})]
    pages.append(
        await api.get("/v1/reconciliation/checks", params={"cursor": pages[0].json()["next_cursor"]})
    )
    newest, before = [page.json()["data"][0] for page in pages]
    assert newest["asked_at"] > before["asked_at"] and newest["by"] == "GET /v1/reconciliation"


WORKER = """
import asyncio, os, sys
from tests.services.billing.conservation.test_checks import work
asyncio.run(work())
"""


async def work() -> None:
    """Billing in a process of its own, until it is killed."""
    from services.billing.main import app

    async with app.router.lifespan_context(app):
        await asyncio.Event().wait()


async def test_a_check_goes_on_where_a_process_has_died(
    database: TestDatabase, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = database.url("u2c_auditor")
    await db.pool.execute(
        "insert into billing.conservation_checks (check_id, by) values ('chk_1', 'usr_ana')"
    )
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", WORKER],
        cwd=ROOT,
        timeout=120,
        env={
            "PATH": "",
            "U2C_FAILPOINT": "billing.after_check:2",
            "U2C_DATABASE_URL": database.url("billing"),
            "U2C_AUDITOR_DATABASE_URL": auditor,
            "U2C_LOG_LEVEL": "warning",
        },
    )
    assert killed.returncode == -signal.SIGKILL
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (context, client):
        rows = await context.db.pool.fetch("select * from billing.conservation_results order by k")
        kept = {row["k"]: row["taken_at"] for row in rows}
        assert list(kept)[:2] == ["K1", "K2"]
        found = await done(client, "chk_1")
        assert found["holds"] and found["attempts"] == 2
        rows = await context.db.pool.fetch("select k, taken_at from billing.conservation_results order by k")
        assert [row["k"] for row in rows] == ALL
        assert {row["k"]: row["taken_at"] for row in rows[:2]} == {k: kept[k] for k in ("K1", "K2")}


async def test_there_is_no_check_of_another_name(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/v1/reconciliation/checks/chk_none")
    assert (answer.status_code, answer.json()["code"]) == (404, "check_not_found")
    answer = await api.get("/v1/reconciliation/checks", params={"cursor": "WyJ4Il0="})
    assert answer.json()["code"] == "cursor_invalid"


async def test_who_asks_makes_the_check_of_a_look_his_own(
    api: httpx2.AsyncClient, database: TestDatabase, db: Database
) -> None:
    """A look keeps no exceptions and leaves no audit row; a check that a person or the schedule asks for does."""
    async with Auditor(database.url("u2c_auditor")).connection() as other:
        assert await take_turn(other), "another process makes checks"
        looking = asyncio.create_task(api.get("/v1/reconciliation"))
        await until(lambda: _waiting(db), "the look has asked")
        assert await _waiting(db) == LOOKING
        check = await asked(api, "usr_bo")
        assert check["by"] == "usr_bo" == await _waiting(db)
    assert (await looking).status_code == 200
    assert (await done(api, check["id"]))["holds"]
    [row] = (await api.get("/v1/audit", params={"object": "check"})).json()["data"]
    assert (row["actor"], row["of"]["id"]) == ("usr_bo", check["id"])


async def _waiting(db: Database) -> Any:
    return await db.pool.fetchval("select by from billing.conservation_checks where state = 'waiting'")


async def test_a_look_puts_off_no_check_of_the_schedule(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (context, client):
        context.state.rounds.checked_at = -1.0
        assert (await client.get("/v1/reconciliation")).status_code == 200
        assert context.state.rounds.checked_at == -1.0
        await done(client, (await asked(client))["id"])
        assert context.state.rounds.checked_at > 0


async def test_hours_of_the_door_are_paged_and_downloaded_whole(
    api: httpx2.AsyncClient, database: TestDatabase
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute(
            """insert into usage_ingest.receipts (receipt_id, key_id, source, received_at, hour, received, published,
                   quarantined, refused)
               select n::text, 'key_' || n % 3, 's' || n % 7, at, at, 1, 1, 0, 0
               from generate_series(0, 629) n, lateral
                   (select '2026-01-01T00:00Z'::timestamptz + n / 21 * interval '1 hour' as at) hour"""
        )
    finally:
        await admin.close()
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    rows: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get("/v1/reconciliation/door", params={**span, "limit": "200", **cursor})).json()
        rows += page["data"]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(rows) == 630 == len({(row["hour"], row["key_id"], row["source"]) for row in rows})
    answer = await api.get("/v1/reconciliation/door", params=span, headers={"Accept": "text/csv"})
    assert len(answer.text.splitlines()) == 631
