"""Lists as pages show them: sorted by the keys they declare, found by how a name begins, counted, and paged by cursors
that are of one list, order and filter."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from shared.db.filters import COUNTED_MAX
from shared.http.page import cursor_after
from shared.http.paging import list_of
from tests.conftest import TestDatabase
from tests.serving import serving

#: External id → name. `ÄRGER` and `ärger` fold to one; two customers have one name.
NAMED = {"acme": "Zebra", "Bolt": "Ärger", "core": "zebra", "delta%": "ärger", "d_x": "Zebra"}


@pytest.fixture
async def customers(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving("rating", database, monkeypatch) as (_context, client):
        for external_id, name in NAMED.items():
            made = await client.post("/v1/customers", json={"external_id": external_id, "name": name})
            assert made.status_code == 201, made.text
        yield client


async def _read(client: httpx2.AsyncClient, path: str, status: int = 200, **query: Any) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def _all(client: httpx2.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows, page by page."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await _read(client, path, **query, **cursor)
        rows += page["data"]
        if not page["has_more"]:
            return rows
        cursor = {"cursor": page["next_cursor"]}


def _forged(cursor: str, *parts: object) -> str:
    """Another cursor of the same list: with other parts."""
    of, *_ = json.loads(base64.urlsafe_b64decode(cursor))
    return base64.urlsafe_b64encode(json.dumps([of, *parts]).encode()).decode()


async def test_pages_of_any_size_have_all_in_the_order_asked_for(customers: httpx2.AsyncClient) -> None:
    rows = await _all(customers, "/v1/customers")
    assert [row["external_id"] for row in rows] == sorted(NAMED)
    for key in ("external_id", "name", "created_at"):
        wanted = sorted(rows, key=lambda row: (row[key], row["external_id"]))
        for limit in (1, 2, 200):
            shown = await _all(customers, "/v1/customers", sort=key, limit=limit)
            assert shown == wanted, (key, limit)
            shown = await _all(customers, "/v1/customers", sort=f"-{key}", limit=limit)
            assert shown == wanted[::-1], (key, limit)


async def test_a_beginning_is_found_whatever_its_case_and_is_no_pattern(
    customers: httpx2.AsyncClient,
) -> None:
    for q, found in (
        ("ZEB", ["acme", "core", "d_x"]),
        ("ÄR", ["Bolt", "delta%"]),
        ("bOLT", ["Bolt"]),
        ("d_", ["d_x"]),
        ("delta%", ["delta%"]),
        ("%", []),
        ("ebra", []),
    ):
        rows = await _all(customers, "/v1/customers", q=q, limit=1)
        assert [row["external_id"] for row in rows] == found, q
        page = await _read(customers, "/v1/customers", q=q, count=True, limit=1)
        assert page["count"] == {"rows": len(found), "more": False}
    assert "count" not in await _read(customers, "/v1/customers")


async def test_rows_are_counted_up_to_a_limit(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving("rating", database, monkeypatch) as (context, client):
        for beyond, said in ((0, False), (1, True)):
            await context.db.pool.execute(
                """insert into rating.customers (customer_id, external_id, name, legal_entity, timezone,
                    revision, created_at)
                   select 'cus_' || $2 || n, 'many' || $2 || n, 'many', 'default', 'UTC', 1, now()
                   from generate_series(1, $1) n""",
                beyond or COUNTED_MAX,
                str(beyond),
            )
            counted = await _read(client, "/v1/customers", q="MANY", count=True, limit=1)
            assert counted["count"] == {"rows": COUNTED_MAX, "more": said}


async def test_a_cursor_is_of_one_list_order_and_filter(customers: httpx2.AsyncClient) -> None:
    first = await _read(customers, "/v1/customers", limit=1, sort="name", q="ze")
    cursor = first["next_cursor"]
    # How many rows a page has, and whether they are counted, may change.
    more = await _read(customers, "/v1/customers", limit=2, sort="name", q="ze", count=True, cursor=cursor)
    assert [row["external_id"] for row in more["data"]] == ["d_x", "core"]
    for path, query in (
        ("/v1/customers", {"sort": "name"}),
        ("/v1/customers", {"sort": "-name", "q": "ze"}),
        ("/v1/customers", {"sort": "name", "q": "zeb"}),
        ("/v1/contracts", {}),
    ):
        refused = await _read(customers, path, 422, cursor=cursor, **query)
        assert refused["code"] == "cursor_invalid" and "start again without one" in refused["title"]


async def test_what_is_no_place_of_a_list_is_refused(customers: httpx2.AsyncClient) -> None:
    for sort, parts in (
        ("name", [7, "acme"]),
        ("name", ["Zebra", 7]),
        ("name", ["Zebra"]),
        ("name", ["Zebra", "acme", "more"]),
        ("name", ["\0", "acme"]),
        ("created_at", ["2024-01-01", "acme"]),
        ("created_at", [10**30, "acme"]),
        ("created_at", [True, "acme"]),
    ):
        cursor = (await _read(customers, "/v1/customers", limit=1, sort=sort))["next_cursor"]
        refused = await _read(customers, "/v1/customers", 422, sort=sort, cursor=_forged(cursor, *parts))
        assert refused["code"] == "cursor_invalid", parts
    for path, cursor in (
        ("/v1/statements", ["a", -(2**70)]),
        ("/v1/statements", ["a", "x"]),
        ("/v1/blocks", [7]),
        ("/v1/late-usage", ["a", 10**40]),
    ):
        refused = await _read(customers, path, 422, cursor=_forged(_of(path), *cursor))
        assert refused["code"] == "cursor_invalid", (path, cursor)


def _of(path: str) -> str:
    """A cursor of a list without a filter."""
    asked = Request(
        {
            "type": "http",
            "path": path,
            "query_string": b"",
            "headers": [],
            "server": ("x", 80),
            "scheme": "http",
        }
    )
    return cursor_after([], list_of(asked))


async def test_a_key_that_is_not_declared_is_refused_by_name(customers: httpx2.AsyncClient) -> None:
    for query in ({"sort": "revision"}, {"sort": "--name"}, {"sort": ""}, {"q": ""}, {"q": "\0"}):
        refused = await _read(customers, "/v1/customers", 422, **query)
        assert refused["code"] == "body_invalid" or refused["errors"], query
