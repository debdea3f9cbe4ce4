"""A person of the demo without a browser of their own: pages as the console's process answers with them, and all that can be
reached by links."""

import re
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, get_args
from urllib.parse import urlsplit

import httpx2

from services.console.domain.roles import Role
from services.console.frame.usecases import NOTICES
from services.console.main import ROUTERS, routes_of
from services.console.upstream.clients import CALLS_MAX
from services.console.upstream.domain.told import Service
from tests.services.console.conftest import CSRF
from tests.system.console.reading import Read, read

#: Routes that answer with no page of the console, and with what instead. Downloads end in .csv.
NO_PAGES: Final = {
    "/static/{digest}/{name}": "its files",
    "/invoices/{document}/print": "billing's own page",
}
#: Every page that there is, as the app's routes say it.
PAGES: Final = {
    route.path: route
    for route in routes_of(ROUTERS)
    if route.methods == {"GET"} and not route.path.endswith(".csv") and route.path not in NO_PAGES
}
#: From where all others are reached; where no link leads, what is typed does.
BEGIN: Final = ("/account", "/find?q=nobody", "/sign-in", "/events?source=nobody&id=nothing")
#: Beside those of a page: the line on top, and what waits as an exception in each service.
CALLS_OF_FRAME: Final = len(NOTICES) + len(get_args(Service))
#: So many pages of a route are looked at for one that has something else on it.
LOOKED_AT_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console as it was answered."""

    address: str
    route: str
    text: str
    read: Read

    @property
    def kind(self) -> tuple[str, frozenset[str]]:
        """The same for pages of a route that have the same on them."""
        return self.route, frozenset(self.read.blocks)


@dataclass
class Reader:
    """Who reads, and all that they were answered."""

    http: httpx2.AsyncClient
    role: Role
    answers: list[httpx2.Response] = field(default_factory=list)

    async def get(self, address: str) -> httpx2.Response:
        """What is answered. However many rows a page has, it asks few times for them."""
        before = await self._calls()
        answer = await self.http.get(address)
        assert await self._calls() - before <= CALLS_MAX + CALLS_OF_FRAME, address
        self.answers.append(answer)
        return answer

    async def _calls(self) -> float:
        """How often the console has asked a service."""
        told = (await self.http.get("/metrics")).text
        return sum(map(float, re.findall(r"^u2c_console_calls_total\{.*\} (.*)$", told, re.MULTILINE)))

    async def page(self, address: str) -> Page:
        """The page at an address that has one."""
        answer = await self.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:500]}"
        return Page(address, route_of(address) or "", answer.text, read(answer.text))

    async def pages(self) -> AsyncIterator[Page]:
        """What can be reached: of each route one page for each kind of what stands on it."""
        waiting = deque(BEGIN)
        asked, looked_at, known = set[str](), Counter[str](), set[tuple[str, frozenset[str]]]()
        while waiting:
            address = waiting.popleft().partition("#")[0]
            route = route_of(address)
            if address in asked or route is None or looked_at[route] == LOOKED_AT_MAX:
                continue
            asked.add(address)
            answer = await self.get(address)
            if answer.status_code == 303:
                waiting.append(answer.headers["location"])
                continue
            if answer.status_code == 403:
                # not theirs
                continue
            assert answer.status_code == 200, f"{self.role} {address}: {answer.status_code}"
            looked_at[route] += 1
            found = Page(address, route, answer.text, read(answer.text))
            waiting.extend(found.read.links)
            if found.kind not in known:
                known.add(found.kind)
                yield found

    async def save_view(self, address: str, name: str) -> None:
        """What a list is narrowed by, under a name."""
        [token] = {*CSRF.findall((await self.get(address)).text)}
        page, _, query = address.partition("?")
        done = await self.http.post(
            "/views",
            data={"csrf": token, "page": page, "query": query, "name": name, "for": "me"},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert done.status_code == 303, done.text


def route_of(address: str) -> str | None:
    """The path of the page's route; None of an address that is no page's."""
    path = urlsplit(address).path
    if path.endswith(".csv"):
        return None
    return next((route.path for route in PAGES.values() if route.path_regex.fullmatch(path)), None)


@asynccontextmanager
async def reading(base: str, role: Role) -> AsyncIterator[Reader]:
    """Signed in by the demo's button."""
    async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=60) as http:
        done = await http.post(
            "/sign-in/demo", data={"role": role, "next": "/"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert done.status_code == 303, done.text
        yield Reader(http, role)
