"""What somebody pastes or begins to type is found by one question to each service, and leads where they may go."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from services.console.domain.roles import Role
from services.console.domain.visit import Visit
from services.console.find.page import find_page, onward
from services.console.find.usecases import Found, Named, find
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Silent
from tests.services.console.conftest import Console
from tests.services.console.hostile import HOSTILE
from tests.services.console.invoices.test_pages import DOCUMENT

NOT_EVALUATED = dict.fromkeys(
    (
        "last_seen_on",
        "silent_since",
        "trend",
        "trend_within_chance",
        "risk_score",
        "at_risk",
        "at_stake",
        "reasons",
        "renews_on",
    )
)
QUARANTINED = {
    **dict.fromkeys(("status", "detail", "source", "type", "subject", "key_id"), "x"),
    **dict.fromkeys(("resolved_at", "resolved_by", "resolution")),
    "received_at": "2026-04-05T12:00:00Z",
}
INVOICE = {
    **DOCUMENT,
    "id": "inv_0353HwWXEjxXOHKJzOoT5e",
    "number": "DEFAULT-2026-000003",
    "contract": "acme-2026",
    "customer": "acme",
    "customer_name": "Acme Corp",
}
ANSWERS: dict[str, Any] = {
    "/v1/invoices": [INVOICE],
    "/v1/contracts": [{"contract": "acme-2026", "customer": "acme"}],
    "/v1/customers": [
        {**NOT_EVALUATED, "customer": "acme", "name": "Acme Corp"},
        {**NOT_EVALUATED, "customer": "acme-eu", "name": "Acme EU"},
    ],
    "/v1/quarantine": [{**QUARANTINED, "quarantine_id": "qua_1", "id": "acme-event", "code": "time_missing"}],
}


def listed(rows: list[Any]) -> dict[str, Any]:
    return {"data": rows, "has_more": False, "next_cursor": None}


@pytest.fixture
async def asked(console: Console) -> AsyncIterator[tuple[Services, list[httpx2.URL]]]:
    """Services that answer so, and what they were asked; what begins with "nothing" no service knows."""
    seen: list[httpx2.URL] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url)
        if request.url.params.get("q", "").startswith("nothing"):
            return httpx2.Response(200, json=listed([]))
        if request.url.path in ANSWERS:
            return httpx2.Response(200, json=listed(ANSWERS[request.url.path]))
        if request.url.path.endswith(str(INVOICE["id"])):
            return httpx2.Response(200, json=INVOICE)
        return httpx2.Response(404, json={"title": "There is none."})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        yield Services(replace(console.context, http=client), visit()), seen


def visit(role: Role = "finance") -> Visit:
    return Visit(f"a-{role}", role, "token", "/find", "0" * 32)


async def test_each_service_is_asked_once_by_how_it_begins(
    asked: tuple[Services, list[httpx2.URL]],
) -> None:
    services, seen = asked
    found = await find(services, "acme")
    assert sorted(str(url.path) for url in seen) == sorted(ANSWERS)
    assert [(one.kind, one.name) for one in found.named] == [
        ("customer", "acme"),
        ("document", "DEFAULT-2026-000003"),
        ("contract", "acme-2026"),
        ("customer", "acme-eu"),
        ("quarantined event", "acme-event"),
    ]
    assert onward("acme", found, visit()) == "/customers/acme"
    assert onward("acm", found, visit()) == "", "several begin so"


async def test_an_id_is_pasted_whole(asked: tuple[Services, list[httpx2.URL]]) -> None:
    services, seen = asked
    found = await find(services, str(INVOICE["id"]))
    assert [url.path for url in seen if "inv_" in url.path] == [f"/v1/invoices/{INVOICE['id']}"]
    assert onward(str(INVOICE["id"]), found, visit()) == f"/invoices/{INVOICE['id']}"


@pytest.mark.parametrize(
    ("role", "customer", "event"),
    [
        ("finance", "/customers/acme", "/quarantine/qua_1"),
        ("customer-success", "/customers/acme", ""),
        ("engineer", "/invoices?customer=acme", "/quarantine/qua_1"),
        ("admin", "/invoices?customer=acme", ""),
    ],
)
def test_it_leads_where_the_role_may_go(role: Role, customer: str, event: str) -> None:
    named = (Named("customer", "acme", "acme"), Named("quarantined event", "qua_1", "x"))
    page = find_page("acme", Found(named, ()), visit(role))
    assert [row.href for row in page.found.rows] == [customer, event]


async def test_nothing_says_how_an_event_is_asked_for_and_a_silent_service_is_named(
    asked: tuple[Services, list[httpx2.URL]],
) -> None:
    services, _ = asked
    found = await find(services, "nothing")
    assert found == Found((), ()) and onward("nothing", found, visit()) == ""
    assert find_page("e 1", found, visit()).found.empty.href == "/events?id=e+1"
    assert find_page("e 1", found, visit("customer-success")).found.empty.href == ""
    silent = Found((Named("customer", "acme", "acme"),), (Silent("rating", "rating is away", "wait"),))
    assert onward("acme", silent, visit()) == "", "there may be more of that name"
    assert find_page("acme", silent, visit()).down[0].cause == "rating is away"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_is_pasted_is_asked_as_it_is(
    asked: tuple[Services, list[httpx2.URL]], text: str
) -> None:
    services, seen = asked
    found = await find(services, text.encode(errors="replace").decode())
    assert {url.params["q"] for url in seen} == {text.encode(errors="replace").decode()}
    page = find_page(text, found, visit())
    assert all(row.href.startswith("/") and not row.href.startswith("//") for row in page.found.rows)
