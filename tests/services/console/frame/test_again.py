"""What somebody typed is not lost where their form has no effect through nobody's fault."""

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from html import unescape

import httpx2
import pytest
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from services.console.context import ConsoleContext
from services.console.domain.visit import Visit
from services.console.frame import answers
from services.console.frame.answers import alone
from services.console.sessions.domain.session_id import hash_of
from services.console.upstream.domain.told import Streamed
from tests.services.console.conftest import Console
from u2c.deployment.state import ROOT

HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
ALIAS = {"type": "call", "month": "2024-01", "subject": "a<b", "of": "", "customer": "ac me"}


@asynccontextmanager
async def answered(
    console: Console, answer: Callable[[httpx2.Request], httpx2.Response]
) -> AsyncIterator[ConsoleContext]:
    """The console, while its services answer so."""
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        console.app.state.context = replace(console.context, http=http, asked={})
        yield console.app.state.context


def form_of(page: httpx2.Response, action: str) -> dict[str, str]:
    """The form of this page that is sent there: what its hidden fields say."""
    [form] = re.findall(rf'<form [^>]*action="{re.escape(action)}".*?</form>', page.text, re.S)
    return {unescape(name): unescape(value) for name, value in HIDDEN.findall(form)}


async def test_a_form_whose_service_was_silent_is_sent_again_as_the_same(console: Console) -> None:
    engineer = await console.signed_in("eve", "engineer")
    kept: list[str] = []

    def silent(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            kept.append(request.headers["idempotency-key"])
            raise httpx2.ReadTimeout("late")
        raise httpx2.ConnectError("no")

    def well(request: httpx2.Request) -> httpx2.Response:
        kept.append(request.headers.get("idempotency-key", ""))
        return httpx2.Response(200, json={})

    async with answered(console, silent):
        lost = await engineer.post("/suspense/alias", idempotency_key="one-form", **ALIAS)
    assert lost.status_code == 503 and "send it again, it has one effect" in lost.text
    assert "ac me" in lost.text and lost.headers["hx-push-url"] == "false"
    again = form_of(lost, "/suspense/alias")
    assert again == {**ALIAS, "csrf": engineer.csrf, "idempotency_key": "one-form"}
    async with answered(console, well):
        done = await engineer.post("/suspense/alias", **again)
    assert done.status_code == 303 and kept == ["one-form", "one-form"]
    assert "hx-push-url" not in done.headers


async def test_a_form_of_a_session_before_is_sent_again_from_this_one(console: Console) -> None:
    engineer = await console.signed_in("eve", "engineer")
    stale = engineer.csrf
    await engineer.sign_in("eve")
    assert engineer.csrf != stale
    refused = await engineer.post("/suspense/alias", **{**ALIAS, "csrf": stale, "idempotency_key": "k"})
    assert refused.status_code == 403 and "signed in anew" in refused.text
    assert form_of(refused, "/suspense/alias") == {**ALIAS, "csrf": engineer.csrf, "idempotency_key": "k"}


async def test_a_form_whose_session_has_ended_stays_where_it_is(console: Console) -> None:
    engineer = await console.signed_in("eve", "engineer")
    engineer.cookies = {}
    own = {"Origin": engineer.origin, "Sec-Fetch-Site": "same-origin"}
    told = await engineer.send("/suspense/alias", {**own, "HX-Request": "true"}, **ALIAS)
    assert (told.status_code, told.headers["hx-reswap"], told.headers["hx-push-url"]) == (
        401,
        "none",
        "false",
    )
    assert 'id="said"' in told.text and 'hx-swap-oob="true"' in told.text and "/sign-in" in told.text
    assert 'id="main"' not in told.text
    plain = await engineer.send("/suspense/alias", own, **ALIAS)
    assert plain.status_code == 401 and 'href="/sign-in"' in plain.text


@pytest.mark.parametrize("once", ["é", "a b", "x" * 248, "\x00"])
async def test_a_key_that_is_none_is_refused(console: Console, once: str) -> None:
    engineer = await console.signed_in("eve", "engineer")
    refused = await engineer.post("/suspense/alias", idempotency_key=once, **ALIAS)
    assert refused.status_code == 400 and "nothing was done" in refused.text


@pytest.mark.parametrize("seen", ["rubbish", "[" * 5_000, '"\\ud800"', "\ud800"])
async def test_what_was_typed_stands_on_the_page_that_refuses_it(console: Console, seen: str) -> None:
    finance = await console.signed_in("ana")
    up_to = seen.encode(errors="replace").decode()
    refused = await finance.post(
        "/late/acme-1/2024-01-01", decision="waive", reason="good <will", up_to=up_to
    )
    assert refused.status_code == 400 and "nothing was decided" in refused.text
    assert "good &lt;will" in refused.text and 'id="again"' not in refused.text
    unread = await finance.post("/suspense/alias", idempotency_key="é", **ALIAS)
    assert unread.status_code == 400 and "ac me" in unread.text


async def test_another_retry_than_a_forms_own_address(console: Console) -> None:
    engineer = await console.signed_in("eve", "engineer")
    row = {"customer": None, "subject": "a<b", "type": "call", "month": "2024-01", "events": 1, "value": None}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            return httpx2.Response(409, json={"title": "There is one."})
        if request.url.path == "/v1/suspense":
            # what its form is about stands behind the first rows of all types
            reason = "no_customer" if request.url.params.get("type") == "call" else "of tomorrow"
            rows = [{**row, "reason": reason}]
            return httpx2.Response(200, json={"data": rows, "has_more": True, "next_cursor": "x"})
        raise httpx2.ConnectError("no")

    async with answered(console, answer):
        page = await engineer.post("/suspense/alias", idempotency_key="k", **ALIAS)
    assert page.status_code == 409 and "There is one." in page.text and "of tomorrow" in page.text
    [retry] = re.findall(r'<a href="([^"]*)">Try again</a>', page.text)
    assert retry.startswith("/suspense/of?") and "subject=a%3Cb" in retry
    assert "1 shown, there are more" in page.text


async def test_what_waits_no_more_is_refused_beside_what_was_typed(console: Console) -> None:
    engineer = await console.signed_in("eve", "engineer")

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            return httpx2.Response(409, json={"title": "It is a customer already."})
        return httpx2.Response(200, json={"data": [], "has_more": False, "next_cursor": None})

    async with answered(console, answer):
        page = await engineer.post("/suspense/alias", idempotency_key="k", **ALIAS)
    assert page.status_code == 409 and "Nothing of it waits any more." in page.text
    [form] = re.findall(r'<form id="alias".*?</form>', page.text, re.S)
    assert "It is a customer already." in form and 'value="ac me"' in form
    assert page.text.count('class="change"') == 1, "and no other form"


async def test_a_download_that_cannot_begin_is_no_file(console: Console) -> None:
    finance = await console.signed_in("ana")
    for path in ("/invoices.csv", "/late.csv", "/suspense.csv"):
        lost = await finance.get(path)
        assert lost.status_code == 503 and "cannot be reached" in lost.text, path
    finance.cookies = {}
    ended = await finance.get("/invoices.csv")
    assert ended.status_code == 401 and 'href="/sign-in"' in ended.text


@pytest.mark.parametrize(
    ("state", "trigger", "refresh"),
    [("done", "progress", "true"), ("running", "progress", ""), ("done", "", "")],
)
async def test_a_check_that_is_done_is_told_anew_as_a_whole(
    console: Console, state: str, trigger: str, refresh: str
) -> None:
    check: dict[str, object] = {
        "id": "chk_1",
        "by": "ana",
        "state": state,
        "asked_at": "2024-01-01T00:00:00Z",
        "done_at": "2024-01-01T00:00:00Z",
        "holds": True,
        "progress": [],
        "fault": None,
    }
    finance = await console.signed_in("ana")
    async with answered(console, lambda _: httpx2.Response(200, json=check)):
        page = await finance.get("/reconciliation/chk_1", **({"HX-Trigger": trigger} if trigger else {}))
    assert page.status_code == 200 and page.headers.get("hx-refresh", "") == refresh


async def test_my_zone_is_the_one_that_the_browser_says(console: Console) -> None:
    """In the bytes of the script's own cookie."""
    script = (ROOT / "services/console/static/console.js").read_text()
    [written] = re.findall(r"document\.cookie = `zone=([^;`]*);", script)
    finance = await console.signed_in("ana")
    finance.cookies["zone"] = written.replace("${zone}", "America/New_York")
    clock = {"now": "2014-01-05T05:00:00Z", "moved": False}
    async with answered(console, lambda _: httpx2.Response(200, json=clock)):
        page = await finance.get("/account?zone=mine")
    assert "5 Jan 2014 00:00:00 EST" in page.text


@pytest.mark.parametrize(
    ("status", "form", "taken"),
    [(422, "note", "#note"), (503, "note", "#note"), (409, "note", ""), (422, "snooze", "")],
)
def test_of_a_refused_form_htmx_takes_that_form_unless_what_was_seen_has_changed(
    status: int, form: str, taken: str
) -> None:
    answer = alone(HTMLResponse('<main><form id="note" class="change"></form></main>', status), form)
    assert {answer.headers.get(name, "") for name in ("HX-Retarget", "HX-Reselect")} == {taken}


@pytest.mark.parametrize("ends", [True, False])
async def test_who_is_signed_out_gets_no_more_of_a_download(
    console: Console, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(answers, "LOOKED_UP_EVERY", 1)
    finance = await console.signed_in("ana")
    session = hash_of(finance.cookies["u2c-8105"])
    assert session is not None
    visit, got = Visit("ana", "finance", "token", "/", "0" * 32, session=session), []

    async def rows() -> AsyncGenerator[bytes]:
        yield b"a"
        if ends:
            await console.context.db.pool.execute("delete from console.sessions")
        yield b"1"
        yield b"2"

    answer = await answers.downloaded(console.context, visit, "Rows", Streamed({}, rows()))
    assert isinstance(answer, StreamingResponse)
    with pytest.raises(ClientDisconnect) if ends else contextlib.nullcontext():
        async for chunk in answer.body_iterator:
            got.append(chunk)
    assert got == ([b"a", b"1"] if ends else [b"a", b"1", b"2"]), "but for the part on its way"
