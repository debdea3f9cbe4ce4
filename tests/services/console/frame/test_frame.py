"""What stands around every page: asked for once a second, and never the reason that a page fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx2
import pytest

from services.console.context import ConsoleContext
from services.console.domain.navigation import Entry
from services.console.domain.roles import ROLES, Role
from services.console.domain.times import UTC, moment
from services.console.domain.visit import Visit
from services.console.frame import memory
from services.console.frame.memory import KEPT_S
from services.console.frame.usecases import frame_of
from services.console.main import OPEN, ROUTERS, roles_of_route, routes_of
from shared.runtime.clock import machine_now
from shared.values.instants import written
from tests.services.console.conftest import Console

Answer = Callable[[httpx2.Request], httpx2.Response]
Framed = Callable[[Answer], ConsoleContext]


def visit(role: Role = "finance", here: str = "/account?a=1") -> Visit:
    return Visit(f"a-{role}", role, "token", here, "0" * 32)


@pytest.fixture
async def framed(console: Console) -> AsyncIterator[Framed]:
    """`context = framed(answer)`: a console that is answered so."""
    clients: list[httpx2.AsyncClient] = []

    def made(answer: Answer) -> ConsoleContext:
        clients.append(httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))
        return replace(console.context, http=clients[-1], asked={})

    yield made
    await asyncio.gather(*(client.aclose() for client in clients))


CLOCK = {"now": "2014-01-05T05:00:00Z", "moved": True}
FRESH = {"covers_until": "2014-01-05T05:00:00Z", "lag_s": 0}
LONG_AGO = "2014-01-05T04:00:00Z"
CHECK: dict[str, object] = {
    "id": "chk_1",
    "by": "schedule",
    "state": "done",
    "asked_at": LONG_AGO,
    "done_at": LONG_AGO,
    "fault": None,
    "holds": True,
    "progress": [],
}


def listed(*checks: dict[str, object]) -> dict[str, object]:
    return {"data": list(checks), "has_more": False, "next_cursor": None}


NOT_UNDERSTOOD = "unknown: {} answered what is not understood"


def answering(**changed: object) -> Answer:
    """Services that answer what the line on top asks; the books were checked just now."""
    running = {**CHECK, "state": "running", "holds": None, "done_at": None}
    checks = listed(running, {**CHECK, "done_at": written(machine_now())})
    told: dict[str, object] = {"clock": CLOCK, "freshness": FRESH, "checks": checks, **changed}
    return lambda request: httpx2.Response(200, json=told[request.url.path.rpartition("/")[2]])


@pytest.mark.parametrize(
    ("changed", "place", "term", "text", "state"),
    [
        ({}, 1, "Usage in the figures", "all that was received", ""),
        (
            {"freshness": {**FRESH, "lag_s": 2.5}},
            1,
            "Usage in the figures up to",
            "5 Jan 2014 05:00:00 UTC",
            "",
        ),
        (
            {"freshness": {**FRESH, "lag_s": 61}},
            1,
            "Usage in the figures up to",
            "5 Jan 2014 05:00:00 UTC",
            "warn",
        ),
        (
            {"freshness": {"covers_until": None, "lag_s": None}},
            1,
            "Usage in the figures",
            "none yet, and some waits",
            "warn",
        ),
        ({}, 2, "Books", "K1–K5 hold", "good"),
        (
            {"checks": listed(CHECK)},
            2,
            "Books",
            f"K1–K5 held, checked {moment(LONG_AGO, UTC).text}",
            "warn",
        ),
        ({"clock": {"now": "soon", "moved": 0}}, 0, "Business time", NOT_UNDERSTOOD.format("rating"), "bad"),
        ({"freshness": {}}, 1, "Usage in the figures", NOT_UNDERSTOOD.format("rating"), "bad"),
        ({"checks": {"data": None}}, 2, "Books", NOT_UNDERSTOOD.format("billing"), "bad"),
        ({"checks": ["x"]}, 2, "Books", "unknown: billing answered what is no JSON object", "bad"),
        ({"checks": listed()}, 2, "Books", "not checked yet", "warn"),
        (
            {"checks": listed({**CHECK, "holds": False})},
            2,
            "Books",
            "K1–K5 do not hold",
            "bad",
        ),
    ],
)
async def test_the_line_on_top_is_honest(
    framed: Framed, changed: dict[str, object], place: int, term: str, text: str, state: str
) -> None:
    notice = (await frame_of(framed(answering(**changed)), visit(), "x")).notices[place]
    assert (notice.term, notice.cell.text, notice.state) == (term, text, state)


async def test_it_says_who_is_where_and_what_the_clock_says(framed: Framed) -> None:
    context = framed(answering())
    frame = await frame_of(context, visit(), "Account", "done")
    assert (frame.title, frame.person, frame.csrf, frame.said) == ("Account", "a-finance", "token", "done")
    assert [notice.term for notice in frame.notices][:1] == ["Business time, moved"]
    assert frame.notices[0].cell.text == "5 Jan 2014 05:00:00 UTC"
    assert [to.text for to in frame.destinations if to.is_here] == ["Account"]


async def test_the_navigation_is_that_of_the_role(framed: Framed) -> None:
    entries = (
        Entry("Money", "/money", roles=frozenset(("finance", "leader"))),
        Entry("People", "/people", roles=frozenset(("admin",))),
    )
    context = replace(framed(lambda _: httpx2.Response(503, json={})), navigation=entries)
    for role, texts in (("finance", ["Money"]), ("admin", ["People"]), ("engineer", [])):
        frame = await frame_of(context, visit(role), "x")  # type: ignore[arg-type]
        assert [to.text for to in frame.destinations] == texts
    frame = await frame_of(context, visit(here="/money/x?a=1"), "x")
    assert [to.is_here for to in frame.destinations] == [True]
    frame = await frame_of(context, visit(here="/moneybags"), "x")
    assert [to.is_here for to in frame.destinations] == [False]


async def test_many_pages_at_once_ask_once(framed: Framed) -> None:
    asked: Counter[str] = Counter()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked[request.url.path] += 1
        return answering()(request)

    context = framed(answer)
    await asyncio.gather(*(frame_of(context, visit(), "x") for _ in range(20)))
    assert asked["/v1/clock"] == 1
    await frame_of(context, visit("leader"), "x")
    assert asked["/v1/clock"] == 2, "each role asks by its own key"
    context.asked.update(
        {key: replace(kept, until=kept.until - KEPT_S) for key, kept in context.asked.items()}
    )
    await frame_of(context, visit(), "x")
    assert asked["/v1/clock"] == 3


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_page_does_not_fail_for_its_frame(framed: Framed, status: int) -> None:
    context = framed(lambda _: httpx2.Response(status, json={"title": "not today", "detail": "tomorrow"}))
    frame = await frame_of(context, visit(), "x")
    assert frame.notices[0].state == "bad" and "not today" in frame.notices[0].cell.text


async def test_a_service_that_hangs_holds_no_page_and_is_asked_once(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SEEN_S", 0.01)
    asked: Counter[str] = Counter()
    goes_on = asyncio.Event()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        asked[request.url.path] += 1
        await goes_on.wait()
        return answering()(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        context = replace(console.context, http=http, asked={})
        for _ in range(3):
            frame = await frame_of(context, visit(), "x")
            assert {one.cell.text.split(" ", 2)[2] for one in frame.notices} == {"did not answer in time"}
            context.asked.update(
                {key: replace(kept, until=kept.until - KEPT_S) for key, kept in context.asked.items()}
            )
        assert set(asked.values()) == {1}, "who waits already is joined"
        goes_on.set()
        await asyncio.gather(*(kept.answer for kept in context.asked.values()))


async def test_no_page_is_a_500_by_what_another_program_answers(console: Console) -> None:
    browser = await console.signed_in("ana")
    async with httpx2.AsyncClient(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, text="<html>"))
    ) as http:
        console.app.state.context = replace(console.context, http=http, asked={})
        for path in ("/account", "/quarantine/qua_1", "/customers", "/events?source=a&id=b", "/invoices"):
            page = await browser.get(path)
            assert page.status_code in (200, 404, 503) and "no JSON object" in page.text, path


async def test_what_is_not_known_of_an_answer_names_it_on_a_page(console: Console) -> None:
    browser = await console.signed_in("ana")
    async with httpx2.AsyncClient(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json={"verdict": "new"}))
    ) as http:
        console.app.state.context = replace(console.context, http=http, asked={})
        page = await browser.get("/events?source=a&id=b")
        assert page.status_code == 200 and "rating answered what is not understood" in page.text
        assert "bring the console and the services to one version" in page.text


#: What some pages are asked beside their path.
ASKED = {
    "/events": "?source=a&id=b",
    "/suspense/of": "?type=a&month=2024-01&subject=b",
    "/suspense/of.csv": "?type=a&month=2024-01&subject=b",
    "/find": "?q=b",
    "/close/statements": "?month=2024-01",
    "/close/suspense": "?month=2024-01",
    "/close/accept": "?customer=a&type=b&reason=no_meter&month=2024-01",
}


@pytest.mark.parametrize(
    "told", [{}, {"data": []}, {"data": [{}]}, {"data": [{}], "has_more": True}], ids=str
)
async def test_whatever_an_answer_lacks_no_page_is_a_500(console: Console, told: dict[str, object]) -> None:
    browsers = {role: await console.signed_in(f"a-{role}", role) for role in ROLES}
    shown = 0
    async with httpx2.AsyncClient(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json=told))
    ) as http:
        console.app.state.context = replace(console.context, http=http, asked={})
        for route in routes_of(ROUTERS):
            if "GET" in (route.methods or ()) and route.path not in OPEN:
                named = {name: "2024-01-01" if name == "start" else "x" for name in route.param_convertors}
                role = next(role for role in ROLES if role in roles_of_route(route))
                page = await browsers[role].get(
                    route.path.format(**named) + ASKED.get(route.path.removesuffix(".csv"), "")
                )
                assert page.status_code in (200, 303, 404, 503), f"{route.path}: {page.text}"
                shown += page.status_code != 404
    assert shown > 15


async def test_an_event_is_explained_while_nobody_knows_of_quarantine(console: Console) -> None:
    told: dict[str, object] = {"verdict": "of tomorrow", "detail": "as it says", "stored": None, "void": None}
    told |= {"duplicates": [], "duplicates_total": 0, "conflicts_total": 0}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/quarantine":
            raise httpx2.ConnectError("no")
        return httpx2.Response(200, json=told)

    browser = await console.signed_in("ana")
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        console.app.state.context = replace(console.context, http=http, asked={})
        page = await browser.get("/events?source=a&id=b")
    assert page.status_code == 200 and "as it says" in page.text and "of tomorrow" in page.text
    assert "usage_ingest cannot be reached" in page.text and "Whether it is in quarantine" in page.text
