"""A field of another type in any answer of a service, on each page that is made from it: the page says which service answered
what is not understood, and shows the rest; it is never a fault of the console."""

import copy
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest

from lab.departures.client import Client
from services.console.domain.roles import Role
from services.console.main import OPEN
from services.console.sessions.page import DEMO_ROLES
from services.console.upstream.domain.shapes import SHAPES, misfit
from shared.postgres.setup import PROCESSES
from tests.conftest import TestDatabase
from tests.services.console.conftest import ORIGIN, Console
from tests.system.console.deployed import at_work
from tests.system.console.deployment import deployed
from tests.system.console.reader import PAGES, Page, Reader
from tests.system.console.sent import FORM
from u2c.deployment.cluster import ClusterOptions

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
#: Pages for which no service is asked but for the line on top.
OF_THE_CONSOLE: Final = {*OPEN, "/account", "/views", "/views/{view_id}"}
ON_TOP: Final = ("GET rating/v1/clock", "GET rating/v1/freshness", "GET billing/v1/reconciliation/checks")
GONE: Final = object()


@dataclass
class Between:
    """Between the console and its services: what they answered is kept, or said again with one of it changed."""

    ports: dict[int, str]
    http: httpx2.AsyncClient
    answers: dict[str, httpx2.Response] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    is_kept: bool = True

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        asked = str(request.url)
        if self.is_kept:
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            came = await self.http.request(request.method, asked, headers=headers)
            self.answers[asked] = came
        elif asked not in self.answers:
            raise httpx2.ConnectError("nobody answers", request=request)
        came = self.answers[asked]
        said = msgspec.json.encode(self.changed[asked]) if asked in self.changed else came.content
        kept = {name: came.headers[name] for name in ("content-type", "etag") if name in came.headers}
        return httpx2.Response(came.status_code, headers=kept, content=said)

    def known_as(self, asked: str) -> tuple[str, str]:
        """Which service was asked, and by which shape its answer is known."""
        url = urlsplit(asked)
        service = self.ports[url.port or 0]
        # a path of words goes before one with a part that may be anything
        for known in sorted(SHAPES, key=lambda one: one.count("{}")):
            verb, _, where = known.partition(" ")
            if verb == "GET" and re.fullmatch(re.escape(where).replace(r"\{\}", "[^/]+"), service + url.path):
                return service, known
        raise AssertionError(f"{asked} has no shape")


@pytest.fixture
def options(cluster_options: Callable[..., ClusterOptions]) -> ClusterOptions:
    return cluster_options(services=PROCESSES, restart=False, clock_at=datetime(2024, 1, 1, tzinfo=UTC))


async def test_a_wrong_field_of_an_answer_greys_what_is_made_from_it(
    options: ClusterOptions, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, faults, tried = set[str](), list[str](), set[tuple[str, str]]()
    async with deployed(options, database, monkeypatch, demo="true") as running:
        client = Client(running.cluster.urls, running.cluster.admin_key)
        await at_work(client)
        [draft] = (await client.get("billing", "/v1/invoices", status="draft"))["data"]
        await client.post("billing", f"/v1/invoices/{draft['id']}/hold", {"reason": "it is in dispute"})
        await client.close()
        ports = {urlsplit(url).port or 0: service for service, url in running.cluster.urls.items()}
        for role in DEMO_ROLES:
            async with _between(running.console, ports) as between, _reading(running.console, role) as reader:
                async for page in reader.pages():
                    seen.add(page.route)
                    faults += await _tried(running.console, between, reader, page, tried)
    assert seen >= PAGES.keys() - {"/views/{view_id}"}
    assert len(tried) > 1_000
    assert faults == [], "\n".join(faults)


@asynccontextmanager
async def _between(console: Console, ports: dict[int, str]) -> AsyncIterator[Between]:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as through:
        between = Between(ports, through)
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(between.answer)) as http:
            console.app.state.context = replace(console.context, http=http, asked={})
            yield between


@asynccontextmanager
async def _reading(console: Console, role: Role) -> AsyncIterator[Reader]:
    transport = httpx2.ASGITransport(app=console.app, client=("127.0.0.1", 4711))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, timeout=60, headers=FORM) as http:
        done = await http.post("/sign-in/demo", data={"role": role, "next": "/"})
        assert done.status_code == 303, done.text
        yield Reader(http, role)


async def _tried(
    console: Console, between: Between, reader: Reader, page: Page, tried: set[tuple[str, str]]
) -> list[str]:
    """Faults of the page, where each field of each answer that it is made from is of other types."""
    if page.route in OF_THE_CONSOLE:
        return []
    context = console.app.state.context
    between.answers.clear()
    context.asked.clear()
    await reader.http.get(page.address)
    between.is_kept, faults = False, []
    for asked, answer in list(between.answers.items()):
        if not answer.is_success or not answer.headers["content-type"].startswith("application/json"):
            continue
        service, known = between.known_as(asked)
        document = answer.json()
        assert not misfit(known, document), f"{known}: {misfit(known, document)}"
        for place, other in _others(document):
            # the line on top is the same on every page
            what = (known if known in ON_TOP else f"{page.route} {known}", place)
            if what in tried:
                continue
            tried.add(what)
            between.changed = {asked: other}
            context.asked.clear()
            faults += await _fault(reader, page, f"{known} {place}", service if misfit(known, other) else "")
    between.is_kept, between.changed = True, {}
    return faults


async def _fault(reader: Reader, page: Page, case: str, service: str) -> list[str]:
    """`service`: whose answer is none now; "" where it is still one."""
    try:
        answer = await reader.http.get(page.address)
    except Exception as fault:
        return [f"{page.route}: {case}: {fault!r}"]
    if answer.status_code not in (200, 303, 503):
        return [f"{page.route}: {case}: {answer.status_code}"]
    if service and f"{service} answered what is not understood" not in answer.text:
        return [f"{page.route}: {case}: it is not said of {service}"]
    return []


def _others(document: Any) -> Iterator[tuple[str, Any]]:
    """The document with one field of another type, each field once; of a list its first place."""
    for place in _places(document, ()):
        said = _at(document, place)
        for other in (None, 7 if isinstance(said, str) else "<b>", GONE):
            if type(other) is not type(said):
                changed = copy.deepcopy(document)
                above = _at(changed, place[:-1])
                if other is GONE:
                    del above[place[-1]]
                else:
                    above[place[-1]] = other
                what = "nothing" if other is GONE else repr(other)
                yield f"{'.'.join(map(str, place))} {what}", changed


def _places(document: Any, above: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    below: list[tuple[str | int, Any]] = []
    if isinstance(document, dict):
        below = list(document.items())
    elif isinstance(document, list):
        below = list(enumerate(document[:1]))
    for name, one in below:
        yield (*above, name)
        yield from _places(one, (*above, name))


def _at(document: Any, place: tuple[str | int, ...]) -> Any:
    for name in place:
        document = document[name]
    return document
