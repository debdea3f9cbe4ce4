"""Finance at work on documents, on a whole deployment and in a real browser: by keys alone from a total to a raw event and
its clause."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from lab.departures.client import Client
from services.console.domain.amounts import grouped
from services.console.domain.text import visible
from shared.postgres.setup import CONSOLE
from tests.needs import NEEDS_BROWSER
from tests.system.console.browser import SCHEMES, Window, window
from tests.system.console.deployed import EVENT, NAME, invoiced
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [NEEDS_BROWSER, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
REQUESTS_MAX = 8


async def test_finance_goes_from_a_total_to_a_raw_event_and_its_clause(
    options: ClusterOptions, browser: Browser
) -> None:
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        draft, final = await invoiced(client)
        async with window(browser, cluster.urls[CONSOLE], scripts=False) as on:
            await _sign_in(on, "leader", "Where revenue waits")
            await on.open("/invoices")
            await on.page.locator("#invoices tbody a").first.click()
            await expect(on.page.locator("h1")).to_have_text("Invoice draft of acme-1")
        async with window(browser, cluster.urls[CONSOLE]) as on:
            await _sign_in(on, "finance")
            await _by_keys_alone(on, client, final)
            await _reads_what_the_api_says(on, draft)
            await _pages_through_raw_events(on, draft)
            await _finds_what_is_pasted(on, final)
            await _takes_the_list_with_them(on, draft, final)
            await _saves_what_it_looks_for(on)
            await _switches_letters_off(on)
            await _hinders_nobody(on, draft, final)
            await _reads_what_is_wrong(on)
            await _prints(on, final)
            await _is_told_which_service_is_down(on, cluster, draft)
        await client.close()


async def _sign_in(on: Window, role: str, heading: str = "Invoices") -> None:
    await on.open("/")
    await on.page.locator(f"#as-{role}-do").press("Enter")
    await expect(on.page.locator("h1")).to_have_text(heading)


async def _by_keys_alone(on: Window, client: Client, final: dict[str, Any]) -> None:
    """From the list with its totals: the document, its line, the event, in three steps."""
    for key in ("j", "j", "Enter"):
        await on.page.keyboard.press(key)
    await expect(on.page.locator("h1")).to_have_text(f"Invoice {final['number']}")
    await expect(on.page.locator("#main")).to_be_focused()
    await expect(on.page.locator("#totals")).to_contain_text("USD 2,500.00")
    await expect(on.page.locator("#facts")).to_contain_text(visible(NAME))
    for key in ("j", "Enter"):
        await on.page.keyboard.press(key)
    await expect(on.page.locator("h1")).to_have_text("calls: why USD 2,500.00?")
    await expect(on.page.locator("#main")).to_be_focused()
    line = final["lines"][0]["id"]
    trace = await client.get("billing", f"/v1/invoices/{final['id']}/lines/{line}/trace")
    for step in trace["line"]["steps"]:
        await expect(on.page.locator("#steps")).to_contain_text(step["text"])
    await expect(on.page.get_by_role("heading", name="Clause lines/calls, version 1")).to_be_visible()
    await expect(on.page.locator("pre").filter(has_text='"up_to": "2"')).to_be_visible()
    for n in range(3):
        await expect(on.page.locator("#events")).to_contain_text(EVENT.format(n))
    await expect(on.page.locator("#entry")).to_contain_text("USD -2,500.00")
    await on.page.locator("#events tbody tr a").first.focus()
    await on.page.keyboard.press("Enter")
    await expect(on.page.locator("h1")).to_have_text(
        re.compile(r"Event <img src=x onerror=alert\(1\)>-[012]")
    )
    await on.page.go_back()
    await expect(on.page.locator("h1")).to_have_text("calls: why USD 2,500.00?")


async def _reads_what_the_api_says(on: Window, draft: dict[str, Any]) -> None:
    """The same total in the list and on its page; a filter narrows it, and stands in the address."""
    await on.open("/invoices")
    await expect(on.page.locator("#invoices tbody tr")).to_have_count(2)
    first = on.page.locator("#invoices tbody tr").first
    await expect(first).to_contain_text(f"USD {grouped(draft['total'])}")
    await expect(first).to_contain_text(visible(NAME))
    await expect(on.page.locator("#totals")).to_contain_text("USD 31,000.00")
    await on.page.locator("#invoices-by-7").press("Enter")
    await on.page.wait_for_url(lambda url: "sort=issued" in url)
    await expect(on.page.locator("#invoices-by-7")).to_be_focused()
    await on.page.locator("#filters-status").select_option("finalized")
    await on.page.locator("#filters-go").press("Enter")
    await expect(on.page.locator("#invoices tbody tr")).to_have_count(1)
    await on.page.wait_for_url(lambda url: "status=finalized" in url)
    await on.page.locator("#filters-reset").press("Enter")
    await expect(on.page.locator("#invoices tbody tr")).to_have_count(2)
    await on.open(f"/invoices/{draft['id']}")
    await expect(on.page.locator("#facts")).to_contain_text(f"USD {grouped(draft['total'])}")
    before = on.page.locator("#lines tbody tr td").nth(3)
    await expect(before).to_have_text("2,500.00")
    await expect(on.page.locator("#lines .spark .mark")).to_have_count(2)


async def _pages_through_raw_events(on: Window, draft: dict[str, Any]) -> None:
    await on.open(f"/invoices/{draft['id']}/lines/{draft['lines'][0]['id']}")
    await expect(on.page.locator("#events tbody tr")).to_have_count(50)
    await on.page.keyboard.press("n")
    await expect(on.page.locator("#events tbody tr")).to_have_count(10)
    await on.page.locator("#zone-3").press("Enter")
    await on.page.wait_for_url(lambda url: "cursor=" in url and "zone=utc" in url)


async def _finds_what_is_pasted(on: Window, final: dict[str, Any]) -> None:
    for pasted, heading in (
        (final["number"], f"Invoice {final['number']}"),
        (f" {final['id']} ", f"Invoice {final['number']}"),
        ("acme", "Customer acme"),
        ("acme-1", "Invoices"),
        (NAME, "Find"),
        ("../../sign-out", "Find"),
    ):
        await on.page.locator("#main").focus()
        await on.page.keyboard.press("/")
        await on.page.keyboard.insert_text(pasted)
        await on.page.keyboard.press("Enter")
        await expect(on.page.locator("h1")).to_have_text(heading)
    await expect(on.page.locator("#found")).to_contain_text("There is none.")
    assert await on.violations() == []


async def _takes_the_list_with_them(on: Window, draft: dict[str, Any], final: dict[str, Any]) -> None:
    await on.open("/invoices?contract=acme-1")
    async with on.page.expect_download() as coming:
        await on.page.locator("#invoices-csv").press("Enter")
    text = (await (await coming.value).path()).read_text()
    for one in (draft, final):
        assert one["total"] in text and one["id"] in text
    await on.open(f"/invoices/{final['id']}/lines/{final['lines'][0]['id']}")
    async with on.page.expect_download() as coming:
        await on.page.locator("#events-csv").press("Enter")
    head, *rows = (await (await coming.value).path()).read_text().splitlines()
    assert head.startswith('"source","id","type","subject","time (') and rows


async def _saves_what_it_looks_for(on: Window) -> None:
    """By keys alone: the filters become a link above the list."""
    await on.open("/invoices?status=draft")
    await on.page.locator("#save").press("Enter")
    await on.page.locator("#save-view-name").fill("Drafts <b>")
    await on.page.locator("#save-view-name").press("Enter")
    await expect(on.page.locator("#view-1")).to_have_text("Drafts <b>")
    await expect(on.page.locator("#view-1")).to_have_attribute("aria-current", "true")
    await on.open("/invoices")
    await on.page.locator("#view-1").press("Enter")
    await expect(on.page.locator("#invoices tbody tr")).to_have_count(1)
    assert on.page.url.endswith("/invoices?status=draft")
    assert await on.violations() == []


async def _switches_letters_off(on: Window) -> None:
    """They type nothing and move nothing then, on the very next page; Control and K still find."""
    await on.open("/account")
    await on.page.locator("#letters-keys").select_option("off")
    await on.page.locator("#letters-do").press("Enter")
    await expect(on.page.locator("#said")).to_have_text("Keys of one letter are off.")
    await on.page.locator("#main").focus()
    for key in ("/", "?", "g", "i", "j"):
        await on.page.keyboard.press(key)
        await expect(on.page.locator("#main")).to_be_focused()
    await expect(on.page.locator("h1")).to_have_text("demo-finance")
    await on.page.keyboard.press("Control+k")
    await expect(on.page.locator("#q")).to_be_focused()
    await on.page.locator("#letters-keys").select_option("on")
    await on.page.locator("#letters-do").press("Enter")
    await expect(on.page.locator("#said")).to_have_text("Keys of one letter are on.")


async def _hinders_nobody(on: Window, draft: dict[str, Any], final: dict[str, Any]) -> None:
    """In either scheme, full and empty; Tab never leaves the page; a page asks for few files and for no other host."""
    line = final["lines"][0]["id"]
    for name, path in {
        "invoices": "/invoices",
        "invoices-empty": "/invoices?customer=nobody",
        "invoice": f"/invoices/{final['id']}",
        "invoice-draft": f"/invoices/{draft['id']}",
        "line": f"/invoices/{final['id']}/lines/{line}",
        "find": "/find?q=nobody",
        "account": "/account",
        "views": "/views",
    }.items():
        began = len(on.reports.requests)
        assert await on.open(path) == 200
        assert len(on.reports.requests) - began <= REQUESTS_MAX
        for scheme in SCHEMES:
            await on.page.emulate_media(color_scheme=scheme)
            assert await on.violations() == [], (name, scheme)
        places = await on.walk()
        assert places[-1] == "#keys-open", (name, places)
        await on.screens(name)


async def _reads_what_is_wrong(on: Window) -> None:
    """Whatever is rubbish in an address is answered by a page that says so."""
    for path in (
        "/invoices?cursor=rubbish",
        "/invoices?period_from=yesterday",
        "/invoices?currency=nonsense",
        "/invoices?zone=mars",
        "/invoices?misspelt=1",
        "/invoices/inv_nobody",
        "/invoices/%3Cscript%3E",
        "/invoices/x/lines/rubbish",
        "/nowhere",
    ):
        status = await on.open(path)
        assert 400 <= status < 500, (path, status)
        await expect(on.page.locator("h1")).not_to_have_text("")
        await expect(on.page.locator("main p").last).not_to_have_text("")
    assert await on.violations() == []


async def _prints(on: Window, final: dict[str, Any]) -> None:
    """Billing's own page passes through, under its own policy."""
    await on.open(f"/invoices/{final['id']}")
    await on.page.locator("#print").press("Enter")
    await expect(on.page.locator(".customer")).to_have_text(NAME)
    await expect(on.page.locator(".totals .total")).to_contain_text("$2,500.00")


async def _is_told_which_service_is_down(on: Window, cluster: Cluster, draft: dict[str, Any]) -> None:
    """The block is grey, with the cause and what to do; the rest of the page works."""
    await cluster.processes["billing"].stop()
    assert await on.open("/invoices?customer=acme") == 200
    await expect(on.page.locator(".down")).to_contain_text("billing cannot be reached")
    await expect(on.page.locator("#filters-customer")).to_have_value("acme")
    assert await on.violations() == []
    await on.screens("invoices-down")
    await on.open(f"/invoices/{draft['id']}")
    await expect(on.page.locator(".down")).to_contain_text("billing cannot be reached")
