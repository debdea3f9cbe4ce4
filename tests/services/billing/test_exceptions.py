"""What people do about exceptions: they look at one, count them, take one over, write down what is to be known, and say
that it is mended where nothing else can."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from shared.cases import DEADLINE_DAYS, NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase, stand_clock
from tests.services.billing.statements import NOW
from tests.serving import serving

LATE = NOW - timedelta(days=DEADLINE_DAYS + 1)
CASES = (
    (NewCase("statement_after_final", "ua-2013:1", "it came late", "billing operations", 500, "USD"), LATE),
    (NewCase("statement_after_final", "ua-2013:2", "it came late", "billing operations", 700, "USD"), NOW),
    (NewCase("statement_after_final", "jp-2013:1", "it came late", "billing operations", 9, "JPY"), NOW),
    (NewCase("conservation_k5", "ua-2013:3", "one is missing", "finance"), NOW),
)


@pytest.fixture
async def api(
    database: TestDatabase, db: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    await stand_clock(database.admin_url, NOW)
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (_, client):
        async with db.transaction() as uow:
            for case, at in CASES:
                await open_exception(uow, case, at)
        yield client


async def listed(api: httpx2.AsyncClient) -> dict[str, Any]:
    found = (await api.get("/v1/exceptions")).json()["data"]
    return {one["reference"]: one for one in found}


async def act(
    api: httpx2.AsyncClient, id: str, verb: str, body: Any, by: str = "usr_ana", status: int = 200
) -> Any:
    path = f"/v1/exceptions/{id}/{verb}"
    answer = await api.post(path, json=body, headers={"U2C-Actor": by})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_they_are_counted_by_kind_and_owner_and_currencies_are_not_added(
    api: httpx2.AsyncClient,
) -> None:
    said = (await api.get("/v1/exceptions/summary")).json()
    assert (said["open"], said["overdue"]) == (4, 1)
    broken, late = said["counts"]
    assert (broken["kind"], broken["owner"], broken["open"], broken["overdue"], broken["price"]) == (
        "conservation_k5",
        "finance",
        1,
        0,
        [],
    )
    assert (late["open"], late["overdue"], late["oldest_at"]) == (3, 1, "2013-01-31T12:00:00Z")
    assert late["price"] == [{"currency": "JPY", "amount": "9"}, {"currency": "USD", "amount": "12.00"}]


async def test_somebody_takes_one_over_and_writes_down_what_is_to_be_known(api: httpx2.AsyncClient) -> None:
    case = (await listed(api))["ua-2013:3"]
    assert "assignee" not in case and "acts" not in case
    await act(api, case["id"], "assign", {"to": "usr_bo"})
    await act(api, case["id"], "note", {"note": "waits for their purchase order"}, "usr_bo")
    shown = (await api.get(f"/v1/exceptions/{case['id']}")).json()
    assert (shown["assignee"], shown["owner"]) == ("usr_bo", "finance")
    assert [(one["act"], one["by"], one["assignee"], one["note"]) for one in shown["acts"]] == [
        ("assigned", "usr_ana", "usr_bo", None),
        ("noted", "usr_bo", None, "waits for their purchase order"),
    ]
    assert (await listed(api))["ua-2013:3"] == {**case, "assignee": "usr_bo"}
    given_back = await act(api, case["id"], "assign", {"to": None}, "usr_bo")
    assert "assignee" not in given_back and len(given_back["acts"]) == 3
    rows = (await api.get("/v1/audit", params={"object": "exception"})).json()["data"]
    assert [row["verb"] for row in rows] == ["assign_exception", "note_exception", "assign_exception"]
    assert rows[0]["before"]["assignee"] == "usr_bo" and "assignee" not in rows[0]["after"]


async def test_what_was_done_first_comes_first_whatever_it_is_called(
    api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id is of the process that made it, and of its clock: a later act may have the smaller one."""
    falling = iter("cba")
    monkeypatch.setattr("shared.http.exceptions.new_id", lambda prefix: f"{prefix}_{next(falling)}")
    case = (await listed(api))["ua-2013:3"]
    for person in ("usr_bo", "usr_cy", "usr_di"):
        acted = await act(api, case["id"], "assign", {"to": person})
        assert acted["assignee"] == person
    shown = (await api.get(f"/v1/exceptions/{case['id']}")).json()
    assert [one["assignee"] for one in shown["acts"]] == ["usr_bo", "usr_cy", "usr_di"]
    assert (await listed(api))["ua-2013:3"]["assignee"] == "usr_di"


async def test_a_person_resolves_what_nothing_else_can_and_nothing_else(
    api: httpx2.AsyncClient, db: Database
) -> None:
    cases = await listed(api)
    mended = await act(api, cases["ua-2013:1"]["id"], "resolve", {"note": "a backup was put back"})
    assert mended["resolved_at"] == "2013-02-04T12:00:00Z" and mended["acts"][0]["act"] == "resolved"
    assert "ua-2013:1" not in await listed(api)
    for verb, body in (("assign", {"to": "usr_a"}), ("note", {"note": "x"}), ("resolve", {"note": "x"})):
        refused = await act(api, cases["ua-2013:1"]["id"], verb, body, status=409)
        assert refused["code"] == "exception_resolved"
        assert refused["detail"].endswith("was resolved at 2013-02-04T12:00:00Z")
    broken = await act(api, cases["ua-2013:3"]["id"], "resolve", {"note": "I say so"}, status=409)
    assert broken["code"] == "resolves_by_itself" and "one is missing" in broken["detail"]
    assert (await listed(api))["ua-2013:3"]["resolved_at"] is None
    async with db.transaction() as uow:
        await resolve_exception(uow, "conservation_k5", "ua-2013:3", NOW)
    assert "ua-2013:3" not in await listed(api)


async def test_what_is_most_overdue_comes_first_and_pages_follow_each_other(api: httpx2.AsyncClient) -> None:
    asked, found = {"sort": "deadline", "limit": "2", "count": "true"}, list[Any]()
    while True:
        page = (await api.get("/v1/exceptions", params=asked)).json()
        found += page["data"]
        assert page["count"] == {"rows": 4, "more": False}
        if not page["has_more"]:
            break
        asked["cursor"] = page["next_cursor"]
    places = [(one["deadline_at"], one["id"]) for one in found]
    assert len(places) == 4 and places == sorted(places) and found[0]["reference"] == "ua-2013:1"
    overdue = (await api.get("/v1/exceptions", params={"overdue": True})).json()["data"]
    assert [one["reference"] for one in overdue] == ["ua-2013:1"]
    assert (await api.get("/v1/exceptions", params={"sort": "price"})).status_code == 422
    said = {one["kind"]: one["resolves"] for one in found}
    assert said == {"statement_after_final": "by_person", "conservation_k5": "by_itself"}


async def test_who_acts_on_what_has_changed_is_told(api: httpx2.AsyncClient) -> None:
    path = f"/v1/exceptions/{(await listed(api))['ua-2013:3']['id']}"
    seen = (await api.get(path)).headers["etag"]
    first = await api.post(f"{path}/assign", json={"to": "usr_bo"}, headers={"If-Match": seen})
    assert first.status_code == 200 and first.headers["etag"] == (await api.get(path)).headers["etag"] != seen
    second = await api.post(f"{path}/assign", json={"to": "usr_cy"}, headers={"If-Match": seen})
    assert (second.status_code, second.json()["code"]) == (412, "changed_meanwhile")
    assert (await api.get(path)).json()["assignee"] == "usr_bo"
    anyway = await api.post(f"{path}/note", json={"note": "they know"})
    assert anyway.status_code == 200, "a note undoes nothing"


SPOILED: dict[str, tuple[str, Any, str]] = {
    "to nobody by name": ("assign", {"to": ""}, "to"),
    "to two": ("assign", {"to": "usr_a, usr_b"}, "to"),
    "to whoever": ("assign", {}, "to"),
    "no note": ("note", {"note": ""}, "note"),
    "a note beyond all": ("note", {"note": "x" * 1001}, "note"),
    "a note with what nobody can see": ("note", {"note": "a\x00b"}, "note"),
    "without a word": ("resolve", {}, "note"),
    "and more": ("resolve", {"note": "x", "force": True}, "force"),
}


async def test_a_spoiled_call_says_what_is_wrong(api: httpx2.AsyncClient) -> None:
    id = (await listed(api))["ua-2013:1"]["id"]
    for name, (verb, body, field) in SPOILED.items():
        answer = await api.post(f"/v1/exceptions/{id}/{verb}", json=body)
        assert answer.status_code == 422 and field in answer.text, f"{name}: {answer.text}"
    for path in ("exc_none", "exc_none/note"):
        method = "POST" if "/" in path else "GET"
        body = {"note": "x"} if "/" in path else None
        answer = await api.request(method, f"/v1/exceptions/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "exception_not_found")
    assert "acts" in (await api.get(f"/v1/exceptions/{id}")).json()
