"""The zone that was chosen rules every list: its times, its links and forms, and its download."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from services.console.domain.navigation import Entry
from services.console.main import NAVIGATION
from tests.services.console.conftest import Browser, Console

#: Lists, with filters that stand in their address, and the list of a service that each shows.
LISTS = {
    "/invoices?customer=acme": "/v1/invoices",
    "/suspense?subject=acme": "/v1/suspense",
    "/suspense/of?customer=acme&type=call&month=2024-01": "/v1/reconciliation/events",
    "/late?": "/v1/late-usage",
    "/customers?at_risk=true": "/v1/customers",
    "/quarantine?status=any": "/v1/quarantine",
    "/reconciliation?": "/v1/reconciliation/checks",
}
EMPTY = {"data": [], "has_more": False, "next_cursor": None, "totals": []}


@dataclass
class Services:
    """Services that have nothing, and what they were asked."""

    asked: list[httpx2.Request] = field(default_factory=list)
    away: bool = False

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if self.away:
            return httpx2.Response(503)
        if request.headers["accept"].startswith("text/csv"):
            headers = {"content-type": "text/csv", "content-disposition": 'attachment; filename="x.csv"'}
            return httpx2.Response(200, content=b"head\r\n", headers=headers)
        return httpx2.Response(200, json=EMPTY)


@pytest.fixture
async def services(console: Console) -> AsyncIterator[Services]:
    made = Services()
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(made)) as client:
        console.app.state.context = replace(console.context, http=client, asked={})
        yield made
        console.app.state.context = console.context


@pytest.fixture
async def ana(console: Console, services: Services) -> Browser:
    browser = await console.signed_in("ana")
    browser.cookies["zone"] = "Europe/Berlin"
    return browser


def csv_of(page: httpx2.Response) -> str:
    [found] = re.findall(r'id="[^"]*-csv"[^>]* href="([^"]+)"', page.text)
    return html.unescape(found)


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_taken_along_as_it_is_narrowed_in_the_zone_that_was_chosen(
    ana: Browser, services: Services, path: str
) -> None:
    page = await ana.get(f"{path}&zone=mine")
    assert page.status_code == 200, page.text
    filters = parse_qs(urlsplit(path).query)
    address = csv_of(page)
    assert {**filters, "zone": ["mine"]}.items() <= parse_qs(urlsplit(address).query).items()
    answer = await ana.get(address)
    assert (answer.status_code, answer.text) == (200, "head\r\n")
    sent = services.asked[-1]
    assert (sent.url.path, sent.headers["accept"]) == (LISTS[path], "text/csv; zone=Europe/Berlin")
    assert "limit" not in sent.url.params and "any" not in sent.url.params.values()
    said = {value[0] for name, value in filters.items()} - {"any"}
    assert said <= set(sent.url.params.values())
    assert 'aria-current="true">my time (Europe/Berlin)<' in page.text
    for form in re.findall(r'<form id="[^"]*" class="filters".*?</form>', page.text, re.DOTALL):
        assert '<input type="hidden" name="zone" value="mine">' in form


@pytest.mark.parametrize("path", LISTS)
async def test_a_download_that_cannot_begin_is_no_file(ana: Browser, services: Services, path: str) -> None:
    address = csv_of(await ana.get(path))
    services.away = True
    answer = await ana.get(address)
    assert answer.status_code == 503 and 'class="down"' in answer.text
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize("entry", NAVIGATION, ids=lambda entry: entry.path)
async def test_every_page_takes_a_zone_and_its_line_on_top_is_in_it(
    ana: Browser, services: Services, entry: Entry
) -> None:
    """Where its role may open it; a role that may not is sent on or refused as without a zone."""
    plain = await ana.get(entry.path)
    zoned = await ana.get(f"{entry.path}?zone=utc")
    assert zoned.status_code == plain.status_code
    if zoned.status_code == 200:
        assert 'aria-current="true">UTC<' in zoned.text
    assert (await ana.get(f"{entry.path}?zone=mars")).status_code == 422
