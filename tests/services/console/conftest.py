"""A console in the test's own process, and browsers that ask it; the services are elsewhere, or nowhere."""

import importlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import msgspec
import pytest

from services.console.context import ConsoleContext
from services.console.domain.roles import ROLES, Role, setting
from services.console.people.usecases.hash_password import hash_of
from services.console.people.usecases.manage_people import add_person
from services.console.people.usecases.note import By
from shared.runtime.clock import machine_now
from tests.conftest import TestDatabase

ORIGIN = "http://127.0.0.1:8105"
PASSWORD = "four words nobody joins"
NOWHERE = "http://127.0.0.1:9"
CSRF = re.compile(r'name="csrf" value="([A-Za-z0-9_-]{43})"')


@dataclass
class Browser:
    """One browser: its cookies, and what it says of itself. `address` is where it is."""

    app: Any
    origin: str = ORIGIN
    address: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._seen(await self._ask("GET", path, headers=headers))

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        """A form of this session, sent from a page of its own."""
        return await self.send(path, {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}, **fields)

    async def send(self, path: str, headers: dict[str, str], **fields: str) -> httpx2.Response:
        """The same with other headers."""
        return await self._ask("POST", path, headers=headers, data={"csrf": self.csrf, **fields})

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx2.Response:
        answer = await self.post("/sign-in", name=name, password=password, **fields)
        if answer.status_code == 303:
            await self.get("/account")
        return answer

    async def _ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app, client=(self.address, 4711))
        if self.cookies:
            headers = {
                **headers,
                "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            }
        async with httpx2.AsyncClient(transport=transport, base_url=self.origin, timeout=60) as client:
            answer = await client.request(method, path, headers=headers, **more)
        for said in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(said).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return answer

    def _seen(self, answer: httpx2.Response) -> httpx2.Response:
        if found := CSRF.search(answer.text):
            self.csrf = found[1]
        return answer


@dataclass
class Console:
    database: TestDatabase
    context: ConsoleContext
    app: Any

    def browser(self, **of: Any) -> Browser:
        return Browser(self.app, **of)

    async def add(self, name: str, role: Role, password: str = PASSWORD) -> None:
        async with self.context.db.transaction() as uow:
            await add_person(uow, By(), name, role, hash_of(password), machine_now())

    async def signed_in(self, name: str, role: Role = "finance") -> Browser:
        """A person of this role in a browser of their own."""
        await self.add(name, role)
        browser = self.browser()
        answer = await browser.sign_in(name)
        assert answer.status_code == 303, answer.text
        return browser


Open = Callable[..., AbstractAsyncContextManager[Console]]


def configure(database: TestDatabase, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """The settings of a console that finds its database, a key a role, and no service but those that are named."""
    keys = {setting(role): f"u2c_test_of_{role}" for role in ROLES}
    nowhere = {f"{service}_url": NOWHERE for service in ("ingest", "rating", "billing", "signals")}
    given = {"database_url": database.url("console"), "log_level": "warning", **keys, **nowhere, **settings}
    for name, value in given.items():
        monkeypatch.setenv(f"U2C_{name.upper()}", value)


@asynccontextmanager
async def console_on(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, app: Any = None, **settings: str
) -> AsyncIterator[Console]:
    """A console until the block ends; without other settings no service answers it. `app`: another than its own."""
    configure(database, monkeypatch, **settings)
    app = app or importlib.import_module("services.console.main").app
    async with app.router.lifespan_context(app):
        yield Console(database, app.state.context, app)


@pytest.fixture
def opened(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Open:
    """`async with opened(demo="true") as console`, on the test's database."""

    def on(app: Any = None, **settings: str) -> AbstractAsyncContextManager[Console]:
        return console_on(database, monkeypatch, app, **settings)

    return on


@pytest.fixture
async def console(opened: Open) -> AsyncIterator[Console]:
    async with opened() as running:
        yield running


#: What the line on top of every page asks.
ON_TOP: dict[str, Any] = {
    "GET rating/v1/clock": {"now": "2026-04-05T12:00:00Z", "moved": True},
    "GET rating/v1/freshness": {"covers_until": "2026-04-05T12:00:00Z", "lag_s": 0},
    "GET billing/v1/reconciliation/checks": {"data": [], "has_more": False, "next_cursor": None},
}


@dataclass
class Upstream:
    """A console, and services that answer what a test says: "GET rating/v1/clock" → a document, or a status and a problem.
    Who is asked something else does not answer. `tags`: the ETags of some; `asked`: all that was, with the documents that
    were sent, `matched`: with the versions that changes were held to."""

    console: Console
    told: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    matched: list[tuple[str, str | None]] = field(default_factory=list)

    def say(self, told: dict[str, Any]) -> None:
        """From now on answer this, too."""
        self.told.update(told)
        self.console.app.state.context.asked.clear()

    def sent(self, to: str) -> list[Any]:
        """The documents that were sent there."""
        return [document for asked, document in self.asked if asked == to]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        to = f"{request.method} {request.url.host}{request.url.path}"
        self.asked.append((to, msgspec.json.decode(request.content) if request.content else None))
        if request.method != "GET":
            self.matched.append((to, request.headers.get("if-match")))
        if to not in self.told:
            raise httpx2.ConnectError("nobody answers", request=request)
        status, document = self.told[to] if isinstance(self.told[to], tuple) else (200, self.told[to])
        headers = {**JSON, **({"ETag": self.tags[to]} if to in self.tags else {})}
        return httpx2.Response(status, content=msgspec.json.encode(document), headers=headers)


JSON = {"content-type": "application/json"}


@pytest.fixture
async def upstream(opened: Open) -> AsyncIterator[Upstream]:
    hosts = {f"{name}_url": f"http://{name}" for name in ("ingest", "rating", "billing", "signals")}
    async with opened(**hosts) as console:
        running = Upstream(console, dict(ON_TOP))
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(running.answer)) as http:
            console.app.state.context = replace(console.context, http=http, asked={})
            yield running
