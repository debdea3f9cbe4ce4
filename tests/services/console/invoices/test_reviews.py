"""How people decide about drafts, of billing as it answers: what a form says to it, and what it says of what was refused."""

import asyncio
import copy
import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import msgspec
import pytest

from services.console.domain.forms import NOT_TRIED
from services.console.domain.roles import ROLES
from services.console.domain.visit import Visit
from services.console.invoices.domain.document import Document
from services.console.invoices.domain.reviews import (
    LookedAtUnreadable,
    acts_on,
    changed_since,
    looked_at,
    read_looked_at,
)
from services.console.invoices.page.reviews import form_of_many, forms_on
from tests.services.console.conftest import Browser, Console
from u2c.deployment.state import ROOT

INVOICE: dict[str, Any] = json.loads((ROOT / "services/billing/examples/invoice.json").read_text())
STATEMENT = INVOICE["statements"][0]["id"]
HOLD = {"by": "bob", "at": "2026-04-02T08:00:00Z", "reason": "price in dispute"}
DRAFT = {
    **INVOICE,
    "id": "inv_1",
    "number": None,
    "status": "draft",
    "state": "awaiting_approval",
    "approval": None,
}
HAPPENED = [
    {"at": "2026-11-24T18:39:40Z", "what": "drafted", "by": None, "of": None, "revision": None, "said": None},
    {
        "at": "2026-11-25T09:00:00Z",
        "what": "held",
        "by": "bob",
        "of": None,
        "revision": None,
        "said": "price <i>",
    },
]
NEWER = {"code": "newer_revision", "title": "What was looked at is no longer what stands.", "detail": "see …"}
HELD = {"code": "held_already", "title": "Somebody holds it.", "detail": "bob holds it since then"}


def document(**more: Any) -> Document:
    return msgspec.convert({**copy.deepcopy(DRAFT), **more}, Document)


@dataclass
class Billing:
    """Billing with these drafts: what was asked of it by forms, and what it answers to the next of them."""

    drafts: dict[str, dict[str, Any]]
    answer: httpx2.Response = field(default_factory=lambda: httpx2.Response(200, json={}))
    asked: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if request.method == "POST":
            self.asked.append(request)
            return self.answer
        if path == "/v1/invoices":
            rows = list(self.drafts.values())
            return httpx2.Response(200, json={"data": rows, "has_more": False, "next_cursor": None})
        if path == "/v1/invoices/totals":
            return httpx2.Response(200, json={"totals": []})
        if path.endswith("/history"):
            return httpx2.Response(200, json={"happened": HAPPENED})
        found = self.drafts.get(path.rpartition("/")[2])
        return httpx2.Response(200, json=found) if found else httpx2.Response(503)

    def said(self) -> dict[str, Any]:
        """What the last form has said."""
        found: dict[str, Any] = json.loads(self.asked[-1].content or b"{}")
        return found


@pytest.fixture
async def billing(console: Console) -> AsyncIterator[Billing]:
    """What answers the console for billing; the rest of the frame is not there."""
    made = Billing({"inv_1": dict(DRAFT), "inv_2": {**DRAFT, "id": "inv_2", "contract": "other-2026"}})
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(made))
    context = replace(console.context, http=client, asked={})
    console.app.state.context = context
    yield made
    await asyncio.gather(*(one.answer for one in context.asked.values()))
    console.app.state.context = console.context
    await client.aclose()


def sent(page: httpx2.Response, form: str) -> dict[str, str]:
    """What a form sends that nobody types."""
    [body] = re.findall(rf'<form id="{form}".*?</form>', page.text, re.DOTALL)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
    return {name: html.unescape(value) for name, value in found}


def picks(page: httpx2.Response) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'name="picked" value="([^"]*)"', page.text)]


def visit(role: Any) -> Visit:
    return Visit(f"a-{role}", role, "token", "/invoices", "0" * 32)


@pytest.mark.parametrize(
    ("more", "acts"),
    [
        ({"state": "open"}, ["seen", "hold"]),
        ({"state": "due"}, ["hold"]),
        ({"state": "awaiting_approval"}, ["approve", "hold"]),
        ({"state": "held", "hold": HOLD}, ["release"]),
        ({"state": "open", "kind": "prepayment"}, ["seen"]),
        ({"status": "finalized", "state": "finalized"}, []),
    ],
)
def test_a_draft_is_given_the_forms_that_make_sense_as_it_stands(
    more: dict[str, Any], acts: list[str]
) -> None:
    assert list(acts_on(document(**more))) == acts


def test_forms_are_for_who_may_write_invoices() -> None:
    for role in ROLES:
        forms = forms_on(document(), visit(role), lambda: "key", NOT_TRIED)
        of_many = form_of_many("/invoices/reviews", visit(role), "key", NOT_TRIED)
        may = role in ("finance", "leader")
        assert (len(forms), of_many is not None) == (2 if may else 0, may), role


def test_what_was_looked_at_goes_through_a_form_and_rubbish_does_not() -> None:
    seen = read_looked_at(looked_at(document()))
    assert (seen.document, seen.total, seen.revisions) == ("inv_1", "21.99", DRAFT["revisions"])
    assert changed_since(seen, document()) == ""
    assert changed_since(seen, document(total="22.00", state="held", hold=HOLD)) == (
        "When this page was opened it was awaiting approval, USD 21.99. "
        "Now it is held, USD 22.00; held by bob: price in dispute."
    )
    assert changed_since(seen, document(revisions={STATEMENT: 7})).endswith("and come to the same.")
    for text in ("", "{}", "[" * 90_000, '{"document": 1}', "\ud800", '{"x":' + "[" * 90_000):
        with pytest.raises(LookedAtUnreadable):
            read_looked_at(text)


async def test_a_page_shows_what_became_of_it_and_a_form_says_what_was_looked_at(
    console: Console, billing: Billing
) -> None:
    ana = await console.signed_in("ana")
    page = await ana.get("/invoices/inv_1")
    assert ">25 Nov 2026 04:00:00 EST<" in page.text and ">price &lt;i&gt;<" in page.text
    approve = sent(page, "approve")
    done = await ana.post("/invoices/inv_1/approve", **approve)
    assert (done.status_code, done.headers["location"]) == (303, "/invoices/inv_1?done=approve")
    assert billing.said() == {"revisions": DRAFT["revisions"]}
    [request] = billing.asked
    assert request.url.path == "/v1/invoices/inv_1/approve" and request.headers["u2c-actor"] == "ana"
    assert request.headers["idempotency-key"] == approve["idempotency_key"]
    assert "It is approved" in (await ana.get(done.headers["location"])).text
    await ana.post("/invoices/inv_1/hold", **sent(page, "hold"), reason="dispute")
    assert billing.said() == {"reason": "dispute"}


async def test_an_open_draft_is_marked_seen_with_what_it_came_to_and_a_held_one_released(
    console: Console, billing: Billing
) -> None:
    ana = await console.signed_in("ana")
    billing.drafts["inv_1"]["state"] = "open"
    await ana.post("/invoices/inv_1/seen", **sent(await ana.get("/invoices/inv_1"), "seen"))
    assert billing.said() == {"revisions": DRAFT["revisions"], "total": "21.99"}
    billing.drafts["inv_1"].update(state="held", hold=HOLD)
    done = await ana.post("/invoices/inv_1/release", **sent(await ana.get("/invoices/inv_1"), "release"))
    assert done.status_code == 303 and billing.asked[-1].content == b""


async def test_a_stale_form_says_what_has_changed_and_keeps_what_was_typed(
    console: Console, billing: Billing
) -> None:
    ana = await console.signed_in("ana")
    page = await ana.get("/invoices/inv_1?zone=utc")
    billing.drafts["inv_1"].update(total="23.00", revisions={STATEMENT: 8})
    billing.answer = httpx2.Response(409, json=NEWER)
    stale = await ana.post("/invoices/inv_1/approve?zone=utc", **sent(page, "approve"))
    assert stale.status_code == 409 and "see …" not in stale.text
    assert (
        "What was looked at is no longer what stands. When this page was opened it was awaiting approval, USD 21.99. "
        "Now it is awaiting approval, USD 23.00." in stale.text
    )
    assert read_looked_at(sent(stale, "approve")["looked_at"]).revisions == {STATEMENT: 8}
    billing.drafts["inv_1"].update(state="held", hold=HOLD)
    billing.answer = httpx2.Response(409, json=HELD)
    taken = await ana.post("/invoices/inv_1/hold", **sent(stale, "hold"), reason='my "reason"')
    assert taken.status_code == 409 and 'value="my &#34;reason&#34;"' in taken.text
    assert "Somebody holds it. bob holds it since then" in taken.text
    assert "held by bob: price in dispute" in taken.text and '<form id="release"' in taken.text


async def test_who_asked_is_told_that_they_do_not_approve(console: Console, billing: Billing) -> None:
    lee = await console.signed_in("lee", "leader")
    asker = {"code": "asker_approves", "title": "Who asks does not approve.", "detail": "lee has set it"}
    billing.answer = httpx2.Response(403, json=asker)
    page = await lee.get("/invoices/inv_1")
    refused = await lee.post("/invoices/inv_1/approve", **sent(page, "approve"))
    assert refused.status_code == 403 and "Who asks does not approve. lee has set it" in refused.text
    assert '<form id="approve"' in refused.text


def _acted(*refused: dict[str, str] | None) -> httpx2.Response:
    acts = [
        {"act": "approve", "document": f"inv_{number + 1}", "review": None, "refused": one}
        for number, one in enumerate(refused)
    ]
    fell = sum(one is not None for one in refused)
    return httpx2.Response(200, json={"done": len(acts) - fell, "refused": fell, "acts": acts})


async def test_many_are_approved_at_once_and_the_list_stays_as_it_was_narrowed(
    console: Console, billing: Billing
) -> None:
    ana = await console.signed_in("ana")
    page = await ana.get("/invoices?status=draft&zone=utc")
    chosen = picks(page)
    assert len(chosen) == 2
    [action] = re.findall(r'<form id="review" class="change" action="([^"]+)"', page.text)
    billing.answer = _acted(None, None)
    done = await _choose(ana, html.unescape(action), sent(page, "review"), chosen, act="approve")
    assert done.headers["location"] == "/invoices?status=draft&zone=utc&done=approve"
    assert billing.said() == {
        "acts": [
            {"act": "approve", "document": name, "revisions": DRAFT["revisions"]}
            for name in ("inv_1", "inv_2")
        ]
    }
    assert "All that was chosen is approved." in (await ana.get(done.headers["location"])).text


async def test_of_many_what_is_refused_says_why_and_stays_chosen(console: Console, billing: Billing) -> None:
    ana = await console.signed_in("ana")
    page = await ana.get("/invoices")
    billing.drafts["inv_2"].update(total="9.00")
    billing.answer = _acted(None, NEWER)
    half = await _choose(
        ana, "/invoices/reviews", sent(page, "review"), picks(page), act="approve", reason="r <b>"
    )
    assert half.status_code == 200 and "1 done, 1 refused." in half.text
    assert ">draft of other-2026<" in half.text and "Now it is awaiting approval, USD 9.00." in half.text
    chosen = re.findall(r'id="invoices-(inv_.)-pick"[^>]* checked', half.text)
    assert chosen == ["inv_2"] and 'value="r &lt;b&gt;"' in half.text
    billing.answer = httpx2.Response(
        422, json={"title": "The body is invalid.", "detail": "Say why in words."}
    )
    none = await _choose(ana, "/invoices/reviews", sent(half, "review"), picks(half), act="hold")
    assert none.status_code == 422 and "Say why in words." in none.text
    assert len(re.findall(r'name="picked"[^>]* checked', none.text)) == 2
    nothing = await _choose(ana, "/invoices/reviews", sent(half, "review"), [], act="hold", reason="why")
    assert (
        nothing.status_code == 400 and "Choose some first." in nothing.text and 'value="why"' in nothing.text
    )


async def test_rubbish_in_a_form_is_a_readable_page(console: Console, billing: Billing) -> None:
    ana = await console.signed_in("ana")
    page = await ana.get("/invoices")
    form = sent(page, "review")
    for fields in ({"picked": "rubbish", "act": "hold"}, {"picked": picks(page)[0], "act": "burn"}, {}):
        answer = await ana.post("/invoices/reviews", **{**form, **fields})
        assert 400 <= answer.status_code < 500 and "<h1>" in answer.text, fields
    answer = await ana.post("/invoices/inv_1/hold", **form, looked_at="x", reason="y")
    assert answer.status_code == 400 and "nothing was done" in answer.text
    assert billing.asked == []


async def test_without_billing_nothing_can_be_chosen(console: Console, billing: Billing) -> None:
    ana = await console.signed_in("ana")
    form = sent(await ana.get("/invoices/inv_1"), "approve")
    billing.drafts.clear()
    billing.answer = httpx2.Response(503)
    down = await ana.post("/invoices/inv_1/approve", **form)
    assert down.status_code == 503 and "billing" in down.text
    assert "billing" in (await ana.get("/invoices/inv_1")).text


async def _choose(
    browser: Browser, action: str, hidden: dict[str, str], chosen: list[str], **more: str
) -> httpx2.Response:
    return await browser.post(action, **{**hidden, **more, "picked": chosen})  # type: ignore[arg-type]
