"""The raw events of a line as CSV: all of them, from rating itself, in the zone that its page is in."""

import copy
import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from tests.services.console.conftest import Console
from tests.services.console.invoices.test_pages import DOCUMENT, TRACE

LINE = TRACE["line"]["id"]
PAGE = f"/invoices/{DOCUMENT['id']}/lines/{LINE}"
OF_LINE = f"/v1/invoices/{DOCUMENT['id']}/lines/{LINE}/trace"
EVENTS = f"/v1/statements/{TRACE['line']['contract']}/{TRACE['line']['period']['start']}/lines/{LINE}/events"


@dataclass
class Services:
    """Billing, which knows the line, and rating, which has its events; and what rating was asked."""

    trace: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(TRACE))
    asked: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == OF_LINE:
            return httpx2.Response(200, json=self.trace)
        if request.url.path == f"/v1/invoices/{DOCUMENT['id']}":
            return httpx2.Response(200, json=DOCUMENT)
        if request.url.path == EVENTS:
            self.asked.append(request)
            return httpx2.Response(200, content=b"head\r\n", headers={"content-type": "text/csv"})
        return httpx2.Response(404, json={"title": "none", "status": 404, "detail": "", "code": "none"})


@pytest.fixture
async def services(console: Console) -> AsyncIterator[Services]:
    made = Services()
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(made)) as client:
        console.app.state.context = replace(console.context, http=client, asked={})
        yield made
        console.app.state.context = console.context


@pytest.mark.parametrize(
    ("chosen", "zone"),
    [("", DOCUMENT["timezone"]), ("?zone=mine", "Europe/Berlin"), ("?zone=utc", "UTC")],
    ids=str,
)
async def test_the_page_leads_to_all_events_in_its_own_zone(
    console: Console, services: Services, chosen: str, zone: str
) -> None:
    browser = await console.signed_in("ana")
    browser.cookies["zone"] = "Europe/Berlin"
    page = await browser.get(f"{PAGE}{chosen}")
    [found] = re.findall(r'id="events-csv"[^>]* href="([^"]+)"', page.text)
    assert html.unescape(found) == f"{PAGE}/events.csv{chosen}"
    answer = await browser.get(html.unescape(found))
    assert (answer.status_code, answer.text) == (200, "head\r\n")
    [asked] = services.asked
    assert asked.headers["accept"] == f"text/csv; zone={zone}"
    assert dict(asked.url.params) == {"occasion": "period"}


async def test_a_line_of_a_note_has_the_events_of_its_correction(
    console: Console, services: Services
) -> None:
    made = {"occasion": "note:2", "quantity": "1", "amount": "1.00", "before": "0.00", "asked": "1.00"}
    services.trace["correction"] = made
    browser = await console.signed_in("ana")
    assert (await browser.get(f"{PAGE}/events.csv")).status_code == 200
    assert services.asked[0].url.params["occasion"] == "note:2"


async def test_a_line_that_counts_nothing_offers_no_file(console: Console, services: Services) -> None:
    services.trace["events"] = None
    browser = await console.signed_in("ana")
    assert 'id="events-csv"' not in (await browser.get(PAGE)).text


async def test_what_is_no_line_is_no_file(console: Console, services: Services) -> None:
    browser = await console.signed_in("ana")
    answer = await browser.get(f"{PAGE}x/events.csv")
    assert answer.status_code == 404 and "content-disposition" not in answer.headers
