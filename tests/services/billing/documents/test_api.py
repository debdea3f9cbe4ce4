"""Billing's API over a running service: what finance calls."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from urllib.parse import urljoin

import httpx2
import pytest
from fastapi import FastAPI, Request

from services.billing.finalization.jobs import finish_due_work
from services.billing.replica import usecases
from shared.db.unit_of_work import Database
from shared.replica.access_keys import store_key
from shared.topics.usage_ingest import AccessKeyMessage
from tests.conftest import TestDatabase, stand_clock
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, batch_of, contract_of, customer_of, statement_of
from tests.services.examples import differences

Settle = Callable[[], Awaitable[None]]
HOSTILE = '<script>alert(1)</script> & "Söhne" 株式会社'


async def grant(db: Database, secret: str, *scopes: str) -> None:
    async with db.transaction() as uow:
        await store_key(
            uow,
            AccessKeyMessage(f"key_{secret}", 1, hashlib.sha256(secret.encode()).hexdigest(), "test", scopes),
        )


@pytest.fixture
async def app(
    database: TestDatabase, db: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastAPI]:
    """The service, started on the test's database; its business clock stands at NOW and its gate is open."""
    monkeypatch.setenv("U2C_DATABASE_URL", database.url("billing"))
    monkeypatch.setenv("U2C_AUDITOR_DATABASE_URL", database.url("u2c_auditor"))
    monkeypatch.setenv("U2C_SERVICE_KEY", "service")
    from services.billing.main import app as billing

    await grant(db, "finance", "invoices:read")
    await grant(db, "product", "usage:write")
    await stand_clock(database.admin_url, NOW)
    async with billing.router.lifespan_context(billing):
        context = billing.state.context
        context.state = replace(context.state, gate=OpenGate())
        yield billing


@pytest.fixture
def settle(app: FastAPI) -> Settle:
    """Wait until the service has finalized or held every final statement it heard."""

    async def settled() -> None:
        while not await finish_due_work(app.state.context):
            await asyncio.sleep(0.01)

    return settled


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://billing",
        headers={"Authorization": "Bearer finance"},
    ) as client:
        yield client


async def test_an_invoice_is_shown_in_the_export_format(
    hear: Hear, settle: Settle, hear_customers: Hear, api: httpx2.AsyncClient
) -> None:
    await hear_customers()
    await hear(statement_of(final=True))
    await settle()
    (listed,) = (await api.get("/v1/invoices", params={"customer": "UA", "status": "finalized"})).json()[
        "data"
    ]
    shown = (await api.get(f"/v1/invoices/{listed['id']}")).json()
    assert {
        name: shown[name]
        for name in ("number", "kind", "customer", "contract", "currency", "period", "issued_on", "due_on")
    } == {
        "number": "DEFAULT-2013-000001",
        "kind": "invoice",
        "customer": "UA",
        "contract": "ua-2013",
        "currency": "USD",
        "period": {"start": "2013-01-01", "end": "2013-01-31"},
        "issued_on": shown["issued_on"],
        "due_on": shown["due_on"],
    }
    assert (shown["subtotal"], shown["draws"], shown["total"], shown["corrects"]) == (
        "636550.00",
        [],
        "636550.00",
        None,
    )
    line = shown["lines"][1]
    assert {"id", "key", "clause", "version", "kind", "quantity", "amount"} <= set(line) and (
        line["quantity"],
        line["amount"],
    ) == ("11", "611550.00")
    assert differences("billing", "invoice", shown) == []
    assert (
        listed["lines"][1]["quantity"] == "11"
        and "segments" not in listed["lines"][1]
        and len(line["segments"]) == 1
    )
    assert "steps" not in listed["lines"][1] and line["steps_kept"] is True
    (step,) = line["steps"]
    assert (step["op"], step["clauses"], step["output"], step["amount"]) == (
        "price",
        [line["clause"]],
        "611550",
        "611550",
    )
    text = await api.get(f"/v1/invoices/{listed['id']}", params={"format": "text"})
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Meter_1 used: 11, $611,550.00\n  1 at $611,550.00 = $611,550.00\n" in text.text


FILTERS = [
    ({"customer": "AA"}, ["aa"]),
    ({"contract": "ua"}, ["ua", "ua"]),
    ({"status": "draft"}, ["aa", "jp", "ua"]),
    ({"status": "finalized"}, ["ua"]),
    ({"currency": "JPY"}, ["jp"]),
    ({"period_from": "2013-02-01"}, ["ua"]),
    ({"period_to": "2013-01-31"}, ["aa", "jp", "ua"]),
    ({"number": "DEFAULT-2013-000001"}, ["ua"]),
    ({"kind": "credit_note"}, []),
    ({"customer": "' or true --"}, []),
]


async def test_filters(hear: Hear, hear_customers: Hear, settle: Settle, api: httpx2.AsyncClient) -> None:
    await hear_customers()
    await hear(
        statement_of("ua", final=True),
        statement_of("ua", month=2),
        statement_of("aa", "AA"),
        statement_of("jp", "HA", currency="JPY"),
    )
    await settle()
    found = [(asked, (await api.get("/v1/invoices", params=asked)).json()["data"]) for asked, _ in FILTERS]
    assert [
        (asked, sorted(document["contract"] for document in documents)) for asked, documents in found
    ] == FILTERS


async def test_documents_made_in_one_go_are_listed_latest_period_first_over_pages(
    hear: Hear, api: httpx2.AsyncClient
) -> None:
    months = [7, 2, 11, 4, 9, 1, 12, 6, 3, 10, 5, 8]
    await hear(*(statement_of(contract, month=month) for month in months for contract in ("a", "b")))
    await hear(statement_of("later", month=1))
    seen: list[tuple[str, str]] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        page = (
            await api.get("/v1/invoices", params={"limit": 5, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [(document["period"]["start"], document["contract"]) for document in page["data"]]
        cursor = page["next_cursor"]
    made_at_once = [
        (f"2013-{month:02}-01", contract) for month in range(12, 0, -1) for contract in ("b", "a")
    ]
    assert seen == [("2013-01-01", "later"), *made_at_once]


async def test_pages_are_stable_while_documents_are_added(hear: Hear, api: httpx2.AsyncClient) -> None:
    await hear(*(statement_of(f"contract-{n}") for n in range(25)))
    seen: list[str] = []
    cursor: str | None = None
    for round_ in range(9):
        page = (
            await api.get("/v1/invoices", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [document["contract"] for document in page["data"]]
        await hear(statement_of(f"meanwhile-{round_}"), statement_of("contract-3", revision=round_ + 2))
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
    assert cursor is None and sorted(seen) == sorted(f"contract-{n}" for n in range(25))


async def test_the_page_escapes_a_hostile_customer_and_loads_nothing(
    hear: Hear,
    settle: Settle,
    hear_customers: Hear,
    api: httpx2.AsyncClient,
) -> None:
    await hear_customers(customer_of(name=HOSTILE))
    await hear(statement_of("<b>contract</b>", final=True, currency="JPY", amounts=(1_000_000,)))
    await settle()
    (listed,) = (await api.get("/v1/invoices")).json()["data"]
    page = await api.get(f"/v1/invoices/{listed['id']}.html")
    assert (
        "<script" not in page.text
        and "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        and "<b>contract" not in page.text
    )
    assert "¥1,000,000<" in page.text and "株式会社" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    by_accept = await api.get(
        f"/v1/invoices/{listed['id']}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )
    assert by_accept.text == page.text and by_accept.headers["vary"] == "Accept"


async def test_a_draft_page_says_that_it_is_a_draft(hear: Hear, api: httpx2.AsyncClient) -> None:
    await hear(statement_of())
    (listed,) = (await api.get("/v1/invoices")).json()["data"]
    page = (await api.get(f"/v1/invoices/{listed['id']}.html")).text
    assert "Draft: figures may still change" in page and "$611,550.00" in page


async def test_the_journal_lists_balanced_entries(
    hear: Hear, settle: Settle, hear_customers: Hear, api: httpx2.AsyncClient
) -> None:
    await hear_customers()
    await hear(statement_of(final=True), statement_of(month=2, final=True, amounts=(1,)))
    await settle()
    entries = (await api.get("/v1/journal", params={"customer": "UA", "account": "receivable"})).json()[
        "data"
    ]
    assert [[posting["amount"] for posting in entry["postings"]] for entry in entries] in (
        [["0.01", "-0.01"], ["636550.00", "-25000.00", "-611550.00"]],
        [["636550.00", "-25000.00", "-611550.00"], ["0.01", "-0.01"]],
    )
    assert (await api.get("/v1/journal", params={"account": "cash"})).json()["data"] == []


async def test_exceptions_name_owner_deadline_and_price(
    hear: Hear, settle: Settle, api: httpx2.AsyncClient
) -> None:
    await hear(statement_of(final=True))
    await settle()
    (found,) = (
        await api.get(
            "/v1/exceptions", params={"kind": "customer_unknown", "reference": "ua-2013:2013-01-01"}
        )
    ).json()["data"]
    assert found["reference"] == "ua-2013:2013-01-01" and found["price"] == {
        "amount": "636550.00",
        "currency": "USD",
    }
    assert found["owner"] == "billing operations" and found["deadline_at"] > found["opened_at"]


RATING = FastAPI()


@RATING.get("/v1/statements/{contract}/{period_start_date}/lines/{line_id}/explanation")
async def explanation(
    contract: str, period_start_date: str, line_id: str, request: Request
) -> dict[str, object]:
    assert request.headers["authorization"] == "Bearer service"
    segment = {
        "starts_at": "2013-01-01T05:00:00Z",
        "ends_at": "2013-02-01T05:00:00Z",
        "version": 1,
        "clause_hash": "hash",
    }
    line = {"id": line_id, "segments": [segment]}
    return {
        "contract": contract,
        "period": period_start_date,
        "line": line,
        "steps": [{"op": "quantity", "output": "1"}],
    }


@RATING.get("/v1/statements/{contract}/{period_start_date}/lines/{line_id}/events")
async def events(
    contract: str, period_start_date: str, line_id: str, cursor: str = "0", limit: int = 50
) -> dict[str, object]:
    assert (contract, period_start_date) == ("ua.2013", "2013-01-01")
    start = int(cursor)
    return {
        "object": "list",
        "data": [{"id": f"e{n}"} for n in range(start, start + limit)],
        "has_more": True,
        "next_cursor": str(start + limit),
    }


async def test_a_line_is_traced_to_its_clause_its_entry_and_its_events_page_by_page(
    db: Database,
    hear: Hear,
    settle: Settle,
    hear_customers: Hear,
    app: FastAPI,
    api: httpx2.AsyncClient,
) -> None:
    app.state.context.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=RATING))
    await hear_customers()
    async with db.transaction() as uow:
        await usecases.hear_contracts(batch_of([contract_of("ua.2013")], "contracts.versions"), uow, NOW)
    await hear(statement_of("ua.2013", final=True, amounts=(5,)))
    await settle()
    (document,) = (await api.get("/v1/invoices")).json()["data"]
    path = f"/v1/invoices/{document['id']}/lines/{document['lines'][0]['id']}/trace"
    trace = (await api.get(path, params={"limit": 2})).json()
    assert trace["clause"]["terms"] == {
        "key": "meter_0",
        "kind": "usage",
        "price": {"model": "per_unit", "unit": "1.00"},
    }
    assert [
        at
        for at in differences("billing", "trace", trace)
        if not at.startswith(("trace.explanation", "trace.events"))
    ] == []
    assert trace["clause"]["version"] == 1 and trace["statement"]["id"] == document["lines"][0]["statement"]
    assert [posting["line"] for posting in trace["journal_entry"]["postings"]] == [
        None,
        document["lines"][0]["id"],
    ]
    assert trace["explanation"] is None and [step["op"] for step in trace["line"]["steps"]] == ["price"]
    assert [event["id"] for event in trace["events"]["data"]] == ["e0", "e1"]
    further = (await api.get(path, params={"limit": 2, "cursor": trace["events"]["next_cursor"]})).json()
    assert [event["id"] for event in further["events"]["data"]] == ["e2", "e3"]


async def test_a_line_that_was_final_before_steps_were_kept_is_explained_by_rating(
    db: Database, hear: Hear, settle: Settle, hear_customers: Hear, app: FastAPI, api: httpx2.AsyncClient
) -> None:
    app.state.context.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=RATING))
    await hear_customers()
    async with db.transaction() as uow:
        await usecases.hear_contracts(batch_of([contract_of("ua.2013")], "contracts.versions"), uow, NOW)
    await hear(statement_of("ua.2013", final=True, amounts=(5,), explanation=None))
    await settle()
    (document,) = (await api.get("/v1/invoices")).json()["data"]
    trace = (await api.get(f"/v1/invoices/{document['id']}/lines/{document['lines'][0]['id']}/trace")).json()
    assert trace["line"]["steps_kept"] is False and trace["explanation"]["steps"]


async def test_a_trace_fails_whole_when_rating_does_not_answer(
    hear: Hear, app: FastAPI, api: httpx2.AsyncClient
) -> None:
    broken = FastAPI()
    app.state.context.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=broken))
    await hear(statement_of())
    (document,) = (await api.get("/v1/invoices")).json()["data"]
    line = document["lines"][0]["id"]
    assert (await api.get(f"/v1/invoices/{document['id']}/lines/{line}/trace")).status_code == 404

    class Down(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("refused")

    app.state.context.http = httpx2.AsyncClient(transport=Down())
    answer = await api.get(f"/v1/invoices/{document['id']}/lines/{line}/trace")
    assert (
        answer.status_code == 503
        and answer.json()["code"] == "rating_unavailable"
        and answer.headers["retry-after"]
    )


BAD_REQUESTS = [
    ("/v1/invoices", {"Authorization": ""}, 401, "key_missing"),
    ("/v1/invoices", {"Authorization": "Bearer nobody"}, 401, "key_refused"),
    ("/v1/journal", {"Authorization": "Bearer product"}, 403, "scope_missing"),
    ("/v1/invoices/inv_nothing", {}, 404, "document_not_found"),
    ("/v1/invoices/inv_nothing.html", {}, 404, "document_not_found"),
    ("/v1/invoices/inv_nothing/lines/x/trace", {}, 404, "document_not_found"),
    ("/v1/invoices?custmer=UA", {}, 422, "query_parameter_unknown"),
    ("/v1/invoices?limit=201", {}, 422, "body_invalid"),
    ("/v1/invoices?cursor=%00", {}, 422, "cursor_invalid"),
    ("/v1/invoices?cursor=WzFd", {}, 422, "cursor_invalid"),
    ("/v1/invoices?status=paid", {}, 422, "body_invalid"),
    ("/v1/invoices?customer=%00", {}, 422, "body_invalid"),
    ("/v1/invoices?period_from=2013-13-01", {}, 422, "body_invalid"),
    ("/v1/invoices/inv_%00", {}, 422, "body_invalid"),
    ("/v1/journal?account=%00", {}, 422, "body_invalid"),
    ("/v1/exceptions?owner=%00", {}, 422, "body_invalid"),
    ("/v1/held-late?customer=%00", {}, 422, "body_invalid"),
    ("/v1/reconciliation?meter=%00", {}, 422, "body_invalid"),
    ("/v1/invoices?cursor=WyJcdTAwMDAiXQ==", {}, 422, "cursor_invalid"),
]


async def test_a_bad_request_is_named_and_never_a_500(api: httpx2.AsyncClient) -> None:
    answers = [(path, headers, await api.get(path, headers=headers)) for path, headers, _, _ in BAD_REQUESTS]
    assert [
        (path, headers, answer.status_code, answer.json()["code"]) for path, headers, answer in answers
    ] == BAD_REQUESTS


async def test_the_documentation_needs_no_internet(api: httpx2.AsyncClient) -> None:
    root = await api.get("/")
    assert (root.status_code, root.headers["location"]) == (303, "docs"), "everyone opens the root first"
    page = await api.get("/docs")
    links = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert len(links) == 3 and not any("//" in link for link in links)
    for link in [*links, "openapi.json"]:
        answer = await api.get(urljoin("/docs", link))
        assert answer.status_code == 200 and len(answer.content) > 1000, link
    assert (
        "SwaggerUIBundle" in (await api.get("/docs/swagger-ui-bundle.js")).text
        and "url: 'openapi.json'" in page.text
    )
    assert [
        (await api.get(f"/docs/{name}")).status_code for name in ("swagger-ui.js", "..%2F__init__.py", "%00")
    ] == [422, 422, 422]


async def test_a_moved_clock_waits_until_every_final_statement_is_settled(
    hear: Hear,
    hear_customers: Hear,
    settle: Settle,
    api: httpx2.AsyncClient,
) -> None:
    await hear_customers()
    await hear(statement_of(final=True), statement_of("held", "Nobody", final=True))
    await settle()
    finalized = (await api.get("/v1/invoices", params={"status": "finalized"})).json()["data"]
    held = (await api.get("/v1/invoices", params={"status": "draft"})).json()["data"]
    assert (
        [document["contract"] for document in finalized],
        [document["contract"] for document in held],
    ) == (["ua-2013"], ["held"])
