"""Two people edit one thing: one wins, the other is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.conftest import TestDatabase
from tests.services.signals.conftest import signals_on
from tests.services.signals.deployment import Signals
from tests.serving import serving

METER = {"meter": "calls", "event_type": "call", "aggregation": "count"}
HOOK = {"url": "http://127.0.0.1:9/hooks/one", "events": ["renewal.due"], "description": "one"}


@pytest.fixture
async def rating(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving("rating", database, monkeypatch) as (_context, client):
        made = await client.post("/v1/customers", json={"external_id": "acme", "name": "Acme"})
        assert made.status_code == 201
        assert (await client.post("/v1/meters", json=METER)).status_code == 201
        yield client


async def _tag(client: httpx2.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: str = answer.headers["etag"]
    assert found.startswith('W/"')
    assert (await client.get(path)).headers["etag"] == found
    return found


async def _edit(
    client: httpx2.AsyncClient, method: str, path: str, body: dict[str, Any] | None, tag: str
) -> httpx2.Response:
    return await client.request(method, path, json=body, headers={"if-match": tag})


async def test_of_two_who_read_the_same_one_changes_it_and_the_other_is_told(
    rating: httpx2.AsyncClient,
) -> None:
    edits: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
        ("PATCH", "/v1/customers/acme", [{"name": "One"}, {"timezone": "Asia/Tokyo"}]),
        ("POST", "/v1/customers/acme/aliases", [{"alias": "a"}, {"alias": "b"}]),
        ("PUT", "/v1/meters/calls", [{**METER, "heartbeat_s": 60}, {**METER, "heartbeat_s": 90}]),
    )
    for method, path, bodies in edits:
        read = path.removesuffix("/aliases")
        bodies = [{key: value for key, value in body.items() if key != "meter"} for body in bodies]
        tag = await _tag(rating, read)
        answers = await asyncio.gather(*(_edit(rating, method, path, body, tag) for body in bodies))
        assert sorted(answer.status_code for answer in answers) in ([200, 412], [201, 412]), [
            answer.text for answer in answers
        ]
        [lost] = [answer for answer in answers if answer.status_code == 412]
        [won] = [answer for answer in answers if answer.status_code != 412]
        now = await _tag(rating, read)
        assert won.headers["etag"] == now != tag
        assert lost.json()["code"] == "changed_meanwhile" and now in lost.json()["detail"]
        # Who reads again may change it, and what does not name a version does as before.
        again = await _edit(rating, method, path, bodies[answers.index(lost)], now)
        assert again.status_code in (200, 201)
    plain = await rating.patch("/v1/customers/acme", json={"name": "Three"})
    assert plain.status_code == 200


async def test_a_stale_edit_leaves_nothing_behind(rating: httpx2.AsyncClient) -> None:
    before = (await rating.get("/v1/customers/acme")).json()
    for tag in ('W/"1"', '"1"', "none", 'W/"1", W/"2"'):
        refused = await _edit(rating, "PATCH", "/v1/customers/acme", {"name": "x"}, tag)
        assert (refused.status_code, refused.json()["code"]) == (412, "changed_meanwhile")
    assert (await rating.get("/v1/customers/acme")).json() == before
    rows = (await rating.get("/v1/audit", params={"object_id": "acme"})).json()["data"]
    assert [row["verb"] for row in rows] == ["create_customer"]
    tag = await _tag(rating, "/v1/customers/acme")
    for fits in (f'"{tag[3:-1]}"', f'W/"7", {tag}', "*"):
        done = await _edit(rating, "PATCH", "/v1/customers/acme", {"name": "Acme"}, fits)
        assert done.status_code == 200, "nothing of it changes, so its tag stays"


async def test_what_has_no_tag_takes_none(rating: httpx2.AsyncClient) -> None:
    for path, body in (
        ("/v1/customers", {"external_id": "new", "name": "New"}),
        ("/v1/plans", {"plan": "pro", "currency": "USD"}),
    ):
        refused = await _edit(rating, "POST", path, body, "*")
        assert (refused.status_code, refused.json()["code"]) == (412, "changed_meanwhile")
    assert (await rating.get("/v1/customers/new")).status_code == 404


async def test_of_an_endpoint_its_hidden_path_counts_and_what_attempts_leave_behind_does_not(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signals_on(database, monkeypatch) as signals:
        await _edit_endpoint(signals)


async def _edit_endpoint(signals: Signals) -> None:
    client = signals.client
    made = await client.post("/v1/webhook-endpoints", json=HOOK)
    assert made.status_code == 201, made.text
    path = f"/v1/webhook-endpoints/{made.json()['id']}"
    first = await _tag(client, path)
    moved = await _edit(client, "PUT", path, {**HOOK, "url": "http://127.0.0.1:9/hooks/two"}, first)
    assert moved.status_code == 200
    second = moved.headers["etag"]
    assert second == await _tag(client, path) != first, "though readers see no path"
    for method, body in (("PUT", HOOK), ("DELETE", None)):
        assert (await _edit(client, method, path, body, first)).status_code == 412
    await signals.context.db.pool.execute("update signals.endpoints set failing_since = now()")
    assert await _tag(client, path) == second
    assert (await _edit(client, "DELETE", path, None, second)).status_code == 204
