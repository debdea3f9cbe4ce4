"""Rubbish in each part of each address, as the app's routes say which there are: a page that a person can read, and never a
fault of ours; a filter that is not refused stands in its field."""

import asyncio
import re
from collections.abc import Iterator
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from lab.departures.client import Client
from services.console.main import ROUTERS, routes_of
from services.console.sessions.page import DEMO_ROLES
from shared.postgres.setup import CONSOLE
from tests.system.console.deployed import at_work
from tests.system.console.reader import Reader, reading
from tests.system.console.sent import RUBBISH, forms_in, is_kept
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
ROUTES: Final = [route for route in routes_of(ROUTERS) if route.methods == {"GET"}]
AT_ONCE: Final = 4
#: So long an address is not read.
ADDRESS_MAX: Final = 8_000
_LINK: Final = re.compile(r'(?:href|src)="(/[^"]*)"')


async def test_rubbish_in_an_address_is_a_page(options: ClusterOptions) -> None:
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        await at_work(client)
        [draft] = (await client.get("billing", "/v1/invoices", status="draft"))["data"]
        await client.post("billing", f"/v1/invoices/{draft['id']}/hold", {"reason": "it is in dispute"})
        await client.close()
        found, faults = dict[str, tuple[Reader, str]](), list[str]()
        base = cluster.urls[CONSOLE]
        async with (
            reading(base, DEMO_ROLES[0]) as finance,
            reading(base, DEMO_ROLES[1]) as success,
            reading(base, DEMO_ROLES[2]) as engineer,
            reading(base, DEMO_ROLES[3]) as leader,
        ):
            await finance.save_view("/invoices?customer=acme", "one customer")
            for reader in (leader, finance, engineer, success):
                for path, address in (await _addresses(reader)).items():
                    found.setdefault(path, (reader, address))
            assert found.keys() == {route.path for route in ROUTES}
            for route in ROUTES:
                faults += await _asked(route, *found[route.path])
    assert faults == [], "\n".join(faults)


async def _addresses(reader: Reader) -> dict[str, str]:
    """Of each route that a role's pages lead to the longest address, which asks most."""
    links = {"/sign-in?next=/account", "/find?q=nobody"}
    async for page in reader.pages():
        links |= {page.address, *map(unescape, _LINK.findall(page.text))}
    found = dict[str, str]()
    for route in ROUTES:
        leading = [link for link in links if route.path_regex.fullmatch(urlsplit(link).path)]
        # a path of words goes before one with a part that may be anything
        leading = [link for link in leading if _route_of(link) is route]
        for address in leading:
            if (await reader.http.get(address)).status_code == 200:
                found[route.path] = max(address, found.get(route.path, ""), key=len)
    return found


def _route_of(link: str) -> APIRoute:
    return next(route for route in ROUTES if route.path_regex.fullmatch(urlsplit(link).path))


async def _asked(route: APIRoute, reader: Reader, address: str) -> list[str]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def fault(name: str, wrong: str) -> str:
        async with gate:
            return await _fault(reader, name, wrong)

    told = await asyncio.gather(*(fault(name, wrong) for name, wrong in _wrong(route, address)))
    return [one for one in told if one]


def _wrong(route: APIRoute, address: str) -> Iterator[tuple[str, str]]:
    """Addresses of the route, with what is wrong in which parameter."""
    path, _, query = address.partition("?")
    asked = dict(parse_qsl(query))
    names = {*_taken(route.dependant)} | asked.keys()
    for name in sorted(names | {"limit"}):
        for rubbish in RUBBISH.values():
            yield name, f"{path}?{urlencode({**asked, name: rubbish}, errors='surrogatepass')}"
        yield name, f"{path}?{urlencode([*asked.items(), (name, 'a'), (name, 'b')])}"
        yield name, f"{path}?{urlencode({one: text for one, text in asked.items() if one != name})}"
    segments = path.split("/")
    for place, segment in enumerate(route.path.split("/")):
        if segment.startswith("{"):
            for rubbish in RUBBISH.values():
                wrong = quote(rubbish, safe="", errors="surrogatepass")
                yield segment, "/".join([*segments[:place], wrong, *segments[place + 1 :]])


def _taken(of: Dependant) -> Iterator[str]:
    """What its addresses may ask, by the names of the parameters."""
    yield from (one.alias for one in of.query_params)
    for below in of.dependencies:
        yield from _taken(below)


async def _fault(reader: Reader, name: str, wrong: str) -> str:
    """What is wrong with the answer; "" where nothing is."""
    if len(wrong) > ADDRESS_MAX:
        wrong = wrong[:ADDRESS_MAX].rpartition("%")[0] or wrong[:ADDRESS_MAX]
    answer = await reader.http.get(wrong)
    said = f"{answer.status_code} {name} {wrong[:200]}"
    if answer.status_code >= 500:
        return f"{said}: a fault of ours"
    kind = answer.headers.get("content-type", "")
    is_file = wrong.startswith("/static/") or kind.startswith("text/csv")
    if answer.status_code == 303 or (answer.status_code == 200 and is_file):
        return ""
    if not kind.startswith("text/html") or "<h1" not in answer.text:
        return f"{said}: no page"
    if "<script>alert(1)" in answer.text:
        return f"{said}: not the text that was asked for"
    if answer.status_code == 200:
        typed = dict(parse_qsl(urlsplit(wrong).query, errors="replace")).get(name, "")
        filters = [one for one in forms_in(answer.text) if one.method == "get" and name in one.typed]
        if filters and typed and not is_kept(answer, name, typed.strip()):
            return f"{said}: it is not in its field"
    return ""
