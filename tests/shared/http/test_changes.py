"""Who acts, what is written of it and shown, and that no secret is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from shared.http.idempotency import CLAIMED_FOR
from shared.runtime.context import AnyContext
from tests.conftest import TestDatabase
from tests.services.signals.conftest import signals_on
from tests.serving import hash_of, serving

PLAN = {"plan": "pro", "currency": "USD"}
Rating = tuple[AnyContext, httpx2.AsyncClient]


@pytest.fixture
async def rating(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rating]:
    async with serving("rating", database, monkeypatch) as (context, client):
        yield context, client


async def _key(rating: Rating, name: str, *scopes: str) -> dict[str, str]:
    """The headers of a key with these scopes."""
    context, _client = rating
    await context.db.pool.execute(
        """insert into rating.access_keys (key_id, revision, hash, name, scopes, revoked)
            values ($1, 1, $2, $1, $3, false)""",
        name,
        hash_of(f"secret of {name}"),
        list(scopes),
    )
    await context.keys.refresh()
    return {"authorization": f"Bearer secret of {name}"}


async def _rows(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_the_actor_is_whom_a_key_that_may_names_and_else_the_key(rating: Rating) -> None:
    _context, client = rating
    console = await _key(rating, "key_console", "contracts:write", "contracts:read", "actor")
    product = await _key(rating, "key_product", "contracts:write", "contracts:read")
    for headers in (console | {"U2C-Actor": "usr_1"}, console, product):
        assert (await client.post("/v1/plans", json=PLAN, headers=headers)).status_code == 201
    assert [(row["actor"], row["key"]) for row in await _rows(client)] == [
        ("key_product", "key_product"),
        ("key_console", "key_console"),
        ("usr_1", "key_console"),
    ]
    for method, path in (("POST", "/v1/plans"), ("GET", "/v1/plans")):
        refused = await client.request(method, path, headers=product | {"U2C-Actor": "usr_1"})
        assert (refused.status_code, refused.json()["code"]) == (403, "actor_refused"), path
        assert "leave out U2C-Actor" in refused.json()["detail"]
    assert len(await _rows(client)) == 3


@pytest.mark.parametrize("named", ["", " ", "key_other", "a b", "x" * 129, "ü", "-x"])
async def test_a_name_that_is_none_is_refused(rating: Rating, named: str) -> None:
    _context, client = rating
    headers = [(b"u2c-actor", named.encode())]
    refused = await client.post("/v1/plans", json=PLAN, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "actor_invalid")
    twice = [(b"u2c-actor", b"usr_1"), (b"u2c-actor", b"usr_2")]
    assert (await client.post("/v1/plans", json=PLAN, headers=twice)).json()["code"] == "actor_invalid"
    assert await _rows(client) == []


async def test_rows_say_what_was_and_what_is_and_are_found_by_all_of_it(rating: Rating) -> None:
    _context, client = rating
    customer = {"external_id": "acme", "name": "Acme Corp", "timezone": "UTC"}
    made = await client.post("/v1/customers", json=customer)
    renamed = await client.patch("/v1/customers/acme", json={"name": "Acme"}, headers={"U2C-Actor": "usr_1"})
    await client.post("/v1/plans", json=PLAN)
    assert (await client.post("/v1/customers", json=customer)).status_code == 409, (
        "what is refused leaves no row"
    )
    plan, change, creation = await _rows(client)
    assert creation | {"before": None, "after": made.json()} == creation
    assert change | {"before": made.json(), "after": renamed.json(), "actor": "usr_1"} == change
    assert change["request_id"] == renamed.headers["x-request-id"]
    found = {
        "actor": "usr_1",
        "verb": "change_customer",
        "to": plan["at"],
        "from": creation["at"],
        "object": "customer",
        "object_id": "acme",
        "key": "key_test",
    }
    asked = {name: await _rows(client, **{name: value}) for name, value in found.items()}
    assert asked == {
        "actor": [change],
        "verb": [change],
        "to": [change, creation],
        "from": [plan, change, creation],
        "object": [change, creation],
        "object_id": [change, creation],
        "key": [plan, change, creation],
    }
    assert await _rows(client, **found) == [change]
    assert await _rows(client, actor="usr_2") == []


async def test_rows_are_paged_newest_first(rating: Rating) -> None:
    _context, client = rating
    for number in range(5):
        assert (await client.post("/v1/plans", json=PLAN | {"plan": f"p{number}"})).status_code == 201
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/v1/audit", params={"limit": 2, **cursor})).json()
        ids += [row["of"]["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert ids == ["p4", "p3", "p2", "p1", "p0"]


async def test_reading_needs_its_scope(rating: Rating) -> None:
    _context, client = rating
    reader = await _key(rating, "key_reader", "contracts:read")
    refused = await client.get("/v1/audit", headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    auditor = await _key(rating, "key_auditor", "audit:read")
    assert (await client.get("/v1/audit", headers=auditor)).status_code == 200


async def test_a_dry_run_leaves_no_row(rating: Rating) -> None:
    _context, client = rating
    await client.post("/v1/customers", json={"external_id": "acme", "name": "Acme", "timezone": "UTC"})
    terms = {
        "contract": "acme-1",
        "customer": "acme",
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": "2024-01-01", "months": 12},
        "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
        "lines": [{"key": "fee", "kind": "recurring", "amount": "10.00"}],
    }
    answer = await client.post("/v1/contracts?dry_run=true", json=terms)
    assert answer.status_code == 200, answer.text
    assert [row["verb"] for row in await _rows(client)] == ["create_customer"]


async def test_a_refused_call_may_be_tried_again_under_its_key(rating: Rating) -> None:
    _context, client = rating
    alias, key = {"alias": "acme-eu"}, {"Idempotency-Key": "k"}
    assert (await client.post("/v1/customers/acme/aliases", json=alias, headers=key)).status_code == 404
    await client.post("/v1/customers", json={"external_id": "acme", "name": "Acme", "timezone": "UTC"})
    assert (await client.post("/v1/customers/acme/aliases", json=alias, headers=key)).status_code == 201
    other_address = await client.post("/v1/customers/other/aliases", json=alias, headers=key)
    assert (other_address.status_code, other_address.json()["code"]) == (422, "idempotency_key_reused")
    of_another = await _key(rating, "key_other", "contracts:write")
    again = await client.post("/v1/customers/acme/aliases", json=alias, headers=of_another | key)
    assert "Idempotent-Replayed" not in again.headers, "each API key has names of its own"


async def test_an_answer_of_before_is_given_as_it_was_kept(rating: Rating) -> None:
    """Kept plain, by the address and body it was asked by."""
    context, client = rating
    first = await client.post("/v1/plans", json=PLAN, headers={"Idempotency-Key": "k"})
    await context.db.pool.execute(
        "update rating.idempotency_keys set body = $1, sealed = false", first.content
    )
    again = await client.post("/v1/plans", json=PLAN, headers={"Idempotency-Key": "k"})
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


async def test_a_claim_that_a_dead_process_left_ends_by_itself(rating: Rating) -> None:
    context, client = rating
    asked = {"to": "2030-02-01T00:00:00Z", "test_clock": True}
    first = await client.post("/v1/clock/advance", json=asked, headers={"Idempotency-Key": "k"})
    assert first.status_code == 200, first.text
    claim = "update rating.idempotency_keys set status = null, created_at = clock_timestamp() - $1::interval"
    await context.db.pool.execute(claim, CLAIMED_FOR - timedelta(minutes=1))
    waits = await client.post("/v1/clock/advance", json=asked, headers={"Idempotency-Key": "k"})
    assert (waits.status_code, waits.json()["code"]) == (409, "idempotency_key_in_flight")
    await context.db.pool.execute(claim, CLAIMED_FOR + timedelta(minutes=1))
    again = await client.post("/v1/clock/advance", json=asked, headers={"Idempotency-Key": "k"})
    assert again.status_code == 200, again.text


async def test_no_secret_of_a_key_is_kept_where_anybody_could_read_it(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the audit rows nor in what is kept to be answered again, which answers it again."""
    async with serving("usage_ingest", database, monkeypatch) as (_context, client):
        asked: dict[str, Any] = {
            "json": {"name": "x", "scopes": ["usage:write"]},
            "headers": {"Idempotency-Key": "k"},
        }
        made = (await client.post("/v1/keys", **asked)).json()
        assert (await client.post("/v1/keys", **asked)).json()["secret"] == made["secret"]
        rotated = (await client.post(f"/v1/keys/{made['id']}/rotate", json={})).json()
    assert made["secret"] != rotated["secret"]
    await _nowhere("usage_ingest", database, [made["secret"], rotated["secret"]])


async def test_no_secret_of_an_endpoint_is_and_its_whole_url_is_one(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signals_on(database, monkeypatch) as signals:
        hook = {"url": "http://127.0.0.1:9/hook/path-of-hook", "events": ["*"]}
        made = await signals.client.post("/v1/webhook-endpoints", json=hook, headers={"Idempotency-Key": "k"})
        path = f"/v1/webhook-endpoints/{made.json()['id']}"
        moved = hook | {"url": "http://127.0.0.1:9/other/path"}
        await signals.client.put(path, json=moved, headers={"Idempotency-Key": "l"})
        rotated = await signals.client.post(
            f"{path}/rotate-secret", json={"overlap_hours": 1}, headers={"Idempotency-Key": "m"}
        )
        assert (await signals.client.delete(path)).status_code == 204
    secrets = [made.json()["secret"], rotated.json()["secret"], "path-of-hook", "/other/path"]
    await _nowhere("signals", database, secrets)


async def _nowhere(schema: str, database: TestDatabase, secrets: list[str]) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        for table in ("audit", "idempotency_keys"):
            rows = await admin.fetch(f"select t::text as text from {schema}.{table} t")
            assert rows, f"nothing in {schema}.{table}"
            for secret in secrets:
                spellings = (secret, secret.encode().hex())
                assert not [row for row in rows if any(one in row["text"] for one in spellings)], table
    finally:
        await admin.close()
