"""Asking a service: in whose name, how often, and what a page gets when it does not answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from services.console.domain.visit import Visit
from services.console.frame.answers import passed_on
from services.console.upstream import clients
from services.console.upstream.clients import CALLS, Services
from services.console.upstream.domain.faults import (
    AskedBadly,
    NotAllowed,
    ServiceRefused,
    ServiceSilent,
    ThingChanged,
    ThingNotFound,
)
from services.console.upstream.domain.told import AnswerNotUnderstood, Silent, Streamed, Told, placed
from tests.services.console.conftest import Console

VISIT = Visit("ana", "finance", "token", "/", "0" * 32, "one form")


@dataclass
class Elsewhere:
    """A service as it answers: the requests it got, and the answers it gives, the last one again and again."""

    answers: list[httpx2.Response | Exception]
    requests: list[httpx2.Request] = field(default_factory=list)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


Answering = Callable[..., tuple[Services, Elsewhere]]


@pytest.fixture
async def answering(console: Console) -> AsyncIterator[Answering]:
    """`services, elsewhere = answering(httpx2.Response(200, json={}))`."""
    clients: list[httpx2.AsyncClient] = []

    def made(*answers: httpx2.Response | Exception) -> tuple[Services, Elsewhere]:
        elsewhere = Elsewhere(list(answers))
        clients.append(httpx2.AsyncClient(transport=httpx2.MockTransport(elsewhere.answer)))
        context = replace(console.context, http=clients[-1])
        return Services(context, VISIT), elsewhere

    yield made
    await asyncio.gather(*(client.aclose() for client in clients))


async def test_it_asks_with_the_key_of_the_role_in_the_name_of_the_person(answering: Answering) -> None:
    services, elsewhere = answering(httpx2.Response(200, json={"id": "a/b"}, headers={"ETag": 'W/"1"'}))
    told = await services.get("billing", "/v1/x/{}", "a/b?c#d", limit=20, q=None, state=["x", "y"])
    assert told == Told({"id": "a/b"}, 'W/"1"')
    [request] = elsewhere.requests
    assert request.url.raw_path == b"/v1/x/a%2Fb%3Fc%23d?limit=20&state=x&state=y"
    assert request.headers["authorization"] == "Bearer u2c_test_of_finance"
    assert request.headers["u2c-actor"] == "ana" and request.headers["traceparent"].startswith(
        f"00-{'0' * 32}-"
    )
    assert "idempotency-key" not in request.headers


@pytest.mark.parametrize(
    ("name", "segment"), [("..", "%2E%2E"), (".", "%2E"), ("a b", "a%20b"), ("ü", "%C3%BC"), ("", "")]
)
def test_a_name_stays_one_segment(name: str, segment: str) -> None:
    assert placed("/v1/x/{}/y", (name,)) == f"/v1/x/{segment}/y"


async def test_a_form_is_one_effect_and_says_what_its_sender_saw(answering: Answering) -> None:
    services, elsewhere = answering(httpx2.Response(200))
    done = await services.change(
        "billing", "POST", "/v1/x/{}/hold", "1", document={"why": "w"}, version='W/"1"'
    )
    [request] = elsewhere.requests
    assert done == Told({}) and request.content == b'{"why":"w"}'
    assert (request.headers["idempotency-key"], request.headers["if-match"]) == ("one form", 'W/"1"')
    await services.change("billing", "POST", "/v1/x/{}/hold", "2")
    await services.change("signals", "POST", "/v1/y")
    keys = [request.headers["idempotency-key"] for request in elsewhere.requests]
    assert keys == ["one form", "one form-2", "one form-3"], (
        "each effect has its own turn, the same when sent again"
    )


@pytest.mark.parametrize(
    "broken", [httpx2.ConnectError("no"), httpx2.ReadError("cut"), httpx2.Response(503, json={})]
)
async def test_what_broke_is_asked_once_more_where_nothing_changes(answering: Answering, broken: Any) -> None:
    services, elsewhere = answering(broken, httpx2.Response(200, json={"a": 1}))
    assert await services.get("rating", "/v1/x") == Told({"a": 1})
    assert len(elsewhere.requests) == 2
    services, elsewhere = answering(broken)
    silent = await services.get("rating", "/v1/clock")
    assert isinstance(silent, Silent) and silent.service == "rating" and len(elsewhere.requests) == 2
    services, elsewhere = answering(broken)
    with pytest.raises(ServiceSilent, match="rating"):
        await services.change("rating", "POST", "/v1/x")
    assert len(elsewhere.requests) == 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (httpx2.ReadTimeout("late"), "signals did not answer in time"),
        (httpx2.Response(401, json={"title": "This key is unknown"}), "signals does not know the console"),
        (httpx2.Response(429, json={"title": "Slow down"}), "signals answered 429: Slow down"),
        (httpx2.Response(500, text="<html>"), "signals answered 500: no reason given"),
    ],
)
async def test_a_service_that_does_not_answer_is_told_not_raised(
    answering: Answering, answer: Any, cause: str
) -> None:
    services, elsewhere = answering(answer)
    silent = await services.get("signals", "/v1/customers")
    assert isinstance(silent, Silent) and silent.cause == cause and silent.remedy
    assert len(elsewhere.requests) == 1, "it is not asked again: it had its time"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, AskedBadly),
        (403, NotAllowed),
        (404, ThingNotFound),
        (409, ThingChanged),
        (412, ThingChanged),
        (422, ServiceRefused),
    ],
)
async def test_what_a_service_refuses_is_raised_in_its_own_words(
    answering: Answering, status: int, error: type[ServiceRefused]
) -> None:
    problem = {"title": "A finalized invoice is history.", "detail": "issue a note", "code": "invoice_final"}
    services, _ = answering(httpx2.Response(status, json=problem))
    with pytest.raises(ServiceRefused) as raised:
        await services.get("billing", "/v1/invoices/{}", "x")
    assert type(raised.value) is error
    assert (raised.value.title, raised.value.detail) == ("A finalized invoice is history.", "issue a note")
    assert raised.value.problem == problem


@pytest.mark.parametrize("content", [b"<html>", b"[1]", b"null", b"\xff", b"[" * 100_000])
async def test_what_another_program_answers_is_no_answer(answering: Answering, content: bytes) -> None:
    services, _ = answering(httpx2.Response(200, content=content))
    silent = await services.get("rating", "/v1/clock")
    assert isinstance(silent, Silent) and silent.cause == "rating answered what is no JSON object"
    with pytest.raises(ServiceSilent, match="no JSON object"):
        await services.change("rating", "POST", "/v1/x")
    headers = {"Content-Type": "application/json"}
    services, _ = answering(httpx2.Response(500, content=content, headers=headers))
    silent = await services.get("rating", "/v1/clock")
    assert isinstance(silent, Silent) and silent.cause == "rating answered 500: no reason given"


async def test_what_an_answer_lacks_is_named(answering: Answering) -> None:
    services, _ = answering(httpx2.Response(200, json={"data": [{"id": "a"}]}))
    told = await services.get("rating", "/v1/x")
    assert isinstance(told, Told) and told.document["data"][0]["id"] == "a"
    with pytest.raises(AnswerNotUnderstood, match="it has no worth; bring the console"):
        told.document["data"][0]["worth"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx2.Response(200, json={}), "answered"),
        (httpx2.Response(404, json={}), "refused"),
        (httpx2.Response(500), "silent"),
        (httpx2.Response(401, json={}), "silent"),
        (httpx2.Response(200, text="<html>"), "silent"),
        (httpx2.ReadTimeout("late"), "silent"),
    ],
)
async def test_a_call_is_counted_as_what_came_of_it(answering: Answering, answer: Any, outcome: str) -> None:
    def counted() -> dict[str, float]:
        return {one: CALLS.labels("signals", one)._value.get() for one in ("answered", "refused", "silent")}

    services, _ = answering(answer)
    before = counted()
    with contextlib.suppress(ServiceRefused):
        await services.get("signals", "/v1/x")
    assert {one: count - before[one] for one, count in counted().items() if count != before[one]} == {
        outcome: 1
    }


async def test_a_service_that_hangs_takes_no_connection_of_another(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "CONNECTIONS_MAX", 1)
    taken = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set()
        await reader.read()
        writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    hanging, well = [await asyncio.start_server(each, "127.0.0.1") for each in (hang, answer)]
    urls = {
        f"{name}_url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for name, server in (("billing", hanging), ("rating", well))
    }
    settings = console.context.settings.model_copy(update=urls)
    async with hanging, well, clients.client_of(settings) as http:
        services = Services(replace(console.context, http=http, settings=settings), VISIT)
        waiting = asyncio.create_task(services.get("billing", "/v1/x"))
        await taken.wait()
        assert await services.get("rating", "/v1/x") == Told({})
        waiting.cancel()


async def test_a_page_that_asks_too_often_is_a_fault_of_ours(answering: Answering) -> None:
    services, elsewhere = answering(httpx2.Response(200, json={}))
    for _ in range(6):
        await services.get("rating", "/v1/clock")
    with pytest.raises(AssertionError, match="one too many"):
        await services.get("rating", "/v1/clock")
    assert len(elsewhere.requests) == 6


class Breaking(httpx2.AsyncByteStream):
    """A body that breaks off after its first part."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a,b\n"
        raise httpx2.ReadError("cut")


async def test_a_list_as_csv_passes_as_it_comes_and_breaks_where_it_breaks(answering: Answering) -> None:
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment", "Server": "x"}
    services, elsewhere = answering(httpx2.Response(200, headers=headers, content=b"a,b\n1,2\n"))
    streamed = await services.stream("billing", "/v1/invoices", accept="text/csv", status="draft")
    assert isinstance(streamed, Streamed) and elsewhere.requests[0].headers["accept"] == "text/csv"
    assert [chunk async for chunk in streamed.chunks] == [b"a,b\n1,2\n"]
    passed = passed_on(streamed)
    assert passed.headers["content-type"] == "text/csv; charset=utf-8" and "server" not in passed.headers
    assert (
        passed.headers["content-disposition"] == "attachment"
        and passed.headers["cache-control"] == "no-store"
    )
    services, _ = answering(httpx2.Response(200, stream=Breaking()))
    broken = await services.stream("billing", "/v1/invoices", accept="text/csv")
    assert isinstance(broken, Streamed)
    with pytest.raises(httpx2.ReadError):
        [chunk async for chunk in broken.chunks]
    services, _ = answering(httpx2.Response(404, json={"title": "no such list"}))
    with pytest.raises(ThingNotFound):
        await services.stream("billing", "/v1/gone", accept="text/csv")
    services, _ = answering(httpx2.Response(503, json={"title": "busy"}))
    assert isinstance(await services.stream("billing", "/v1/invoices", accept="text/csv"), Silent)


async def test_few_downloads_are_under_way_at_once(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "DOWNLOADS_MAX", 1)
    services, _ = answering(httpx2.Response(200, content=b"a\n1\n"))
    first = await services.stream("billing", "/v1/invoices", accept="text/csv")
    assert isinstance(first, Streamed)
    chunks = aiter(first.chunks)
    await anext(chunks)
    refused = await services.stream("rating", "/v1/suspense", accept="text/csv")
    assert isinstance(refused, Silent) and refused.cause == "1 downloads are under way"
    assert [chunk async for chunk in chunks] == []
    assert isinstance(await services.stream("rating", "/v1/suspense", accept="text/csv"), Streamed)
