"""The parts of pages in a real browser: hostile texts, both schemes, keys, without scripts, on paper, small and large."""

from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser, expect

from services.console.assets.api import router as assets
from services.console.domain.text import visible
from services.console.frame.answers import alone
from services.console.frame.page import PAGE_HEADERS
from tests.needs import NEEDS_BROWSER
from tests.services.console.frame.pages import tried
from tests.services.console.hostile import HOSTILE
from tests.system.console.browser import SCHEMES, Scheme, Window, window
from tests.system.console.conftest import served
from tests.waiting import until

pytestmark = [NEEDS_BROWSER, pytest.mark.asyncio(loop_scope="session")]
#: What a browser can be asked for by an address.
SENDABLE = {what: text for what, text in HOSTILE.items() if "\ud800" not in text}


@pytest.mark.parametrize("text", SENDABLE.values(), ids=SENDABLE)
async def test_a_hostile_text_is_read_and_does_nothing(browser: Browser, parts: str, text: str) -> None:
    async with window(browser, parts) as on:
        assert await on.open(f"/?q={quote(text)}") == 200
        await expect(on.page.locator("#main h1")).to_have_text(visible(text))
        assert await on.page.title() == " ".join(f"{visible(text)} · usage-to-cash".split())
        assert await on.page.locator("main script, main img, main iframe").count() == 0
        await on.page.locator("#list tbody td a").first.press("Enter")
        await on.page.wait_for_url(lambda url: url.startswith(f"{parts}/invoices/"))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [320, 1280])
async def test_nothing_hinders_a_reader(browser: Browser, parts: str, scheme: Scheme, width: int) -> None:
    async with window(browser, parts, width=width, scheme=scheme) as on:
        await on.open("/?q=A%20plain%20name")
        assert await on.violations() == []


@pytest.mark.parametrize("width", [320, 640, 1280, 3840])
async def test_the_page_itself_is_never_wider_than_the_window(
    browser: Browser, parts: str, width: int
) -> None:
    """At 200 % a window of 1280 is one of 640. A table that is wider moves within its own frame."""
    async with window(browser, parts, width=width) as on:
        for text in ("A plain name", "W" * 300):
            await on.open(f"/?q={quote(text)}")
            wide = await on.page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= width, text


async def test_what_hinders_a_reader_and_what_the_policy_refuses_is_found(
    browser: Browser, parts: str
) -> None:
    with pytest.raises(AssertionError, match="refused by the policy: script-src-elem inline"):
        async with window(browser, parts) as on:
            await on.open("/?q=name")
            await on.page.evaluate("() => document.querySelectorAll('label').forEach((one) => one.remove())")
            assert [one for one in await on.violations() if one.startswith("label: ")]
            await on.page.evaluate(
                "() => document.body.append(Object.assign(document.createElement('script'), {text: '1'}))"
            )
            await until(lambda: _told(on), "the policy's refusal")


async def _told(on: Window) -> list[str]:
    return on.reports.told


async def test_tab_leads_through_the_page_and_nowhere_else(browser: Browser, parts: str) -> None:
    async with window(browser, parts) as on:
        await on.open("/?q=name")
        seen = await on.walk()
        assert seen[0].startswith('<a class="skip"')
        assert seen[-1] == "#keys-open"
        assert {"#q", "#filters-go", "#list-region", "#list-by-1", "#bars-view", "#change-do"} <= set(seen)
        assert not [
            place
            for place in seen
            if place.startswith("<") and "skip" not in place and "Try again" not in place
        ]


async def test_keys_move_in_a_list_open_a_row_and_leave_the_focus_on_the_page(
    browser: Browser, parts: str
) -> None:
    async with window(browser, parts) as on:
        await on.open("/invoices")
        await expect(on.page.locator("#main")).to_be_focused()
        rows = on.page.locator("#list tbody tr td:nth-child(2) a")
        for key, row in (("j", 0), ("j", 1), ("k", 0), ("k", 0), ("j", 1), ("j", 2), ("j", 2)):
            await on.page.keyboard.press(key)
            await expect(rows.nth(row)).to_be_focused()
        await on.page.keyboard.press("Enter")
        await expect(on.page.locator("#main h1")).to_have_text("first/2")
        await expect(on.page.locator("#main")).to_be_focused()
        await on.page.go_back()
        await expect(on.page.locator("#main h1")).to_have_text("first")


async def test_sorting_keeps_the_focus_where_it_was(browser: Browser, parts: str) -> None:
    async with window(browser, parts) as on:
        await on.open("/invoices")
        await on.page.locator("#list-by-2").press("Enter")
        await expect(on.page.locator("#main h1")).to_have_text("by amount")
        await expect(on.page.locator("#list-by-2")).to_be_focused()
        assert on.page.url == f"{parts}/invoices?sort=amount"
        assert await on.page.title() == "by amount · usage-to-cash"


async def test_keys_find_page_on_and_say_what_they_are(browser: Browser, parts: str) -> None:
    async with window(browser, parts) as on:
        await on.open("/invoices")
        for key in ("/", "Control+k", "Meta+k"):
            await on.page.locator("#main").focus()
            await on.page.keyboard.press(key)
            await expect(on.page.locator("#q")).to_be_focused()
        await on.page.keyboard.type("jn?")
        await expect(on.page.locator("#q")).to_have_value("jn?")
        await on.page.locator("#main").focus()
        await on.page.keyboard.press("?")
        await expect(on.page.locator("#keys dl")).to_be_visible()
        await expect(on.page.locator("#keys-open")).to_be_focused()
        await on.page.keyboard.press("n")
        await expect(on.page.locator("#main h1")).to_have_text("page after first")
        await on.page.keyboard.press("g")
        await on.page.keyboard.press("i")
        await expect(on.page.locator("#main h1")).to_have_text("first")


async def test_arrows_go_along_a_chart_and_say_its_values(browser: Browser, parts: str) -> None:
    async with window(browser, parts) as on:
        await on.open("/?q=Month")
        await on.page.locator("#bars-view").focus()
        reached = on.page.locator("#bars .reached")
        for key, said in (
            ("ArrowRight", "Month: Month"),
            ("ArrowRight", "b: -2"),
            ("ArrowRight", "b: -2"),
            ("ArrowLeft", "Month: Month"),
            ("End", "b: -2"),
            ("Home", "Month: Month"),
        ):
            await on.page.keyboard.press(key)
            await expect(reached).to_have_text(said)
        assert await on.page.locator("#bars .mark.on").count() == 1


async def test_without_scripts_every_list_and_form_works(browser: Browser, parts: str) -> None:
    async with window(browser, parts, scripts=False) as on:
        await on.open("/invoices")
        await on.page.locator("#list-next").press("Enter")
        await expect(on.page.locator("#main h1")).to_have_text("page after first")
        await on.page.locator("#list-by-1").press("Enter")
        await expect(on.page.locator("#main h1")).to_have_text("by name")
        await on.page.locator("#bars-as-table").press("Enter")
        await expect(on.page.locator("#bars table")).to_be_visible()


async def test_a_page_asks_for_its_own_few_files(browser: Browser, parts: str) -> None:
    async with window(browser, parts) as on:
        await on.open("/?q=name")
        await on.page.wait_for_load_state("networkidle")
        assert len(on.reports.requests) <= 8, on.reports.requests
        await on.open("/?q=other")
        fetched = await on.page.evaluate(
            "() => performance.getEntriesByType('resource').filter(one => one.transferSize > 0).map(one => one.name)"
        )
        assert fetched == [], "its files are kept"


async def test_it_looks_as_it_should_in_light_in_dark_and_on_paper(browser: Browser, parts: str) -> None:
    async with window(browser, parts) as on:
        await on.open("/?q=A%20plain%20name")
        await on.screens("parts")
        await on.page.emulate_media(media="print")
        for hidden in ("#nav", "#search", "#filters", "#change", "#foot"):
            await expect(on.page.locator(hidden)).to_be_hidden()
        await expect(on.page.locator("#list table")).to_be_visible()


async def test_a_refused_form_leaves_what_was_typed_beside_it(browser: Browser) -> None:
    app = FastAPI()
    app.include_router(assets)

    @app.get("/")
    async def shown() -> HTMLResponse:
        return HTMLResponse(tried("first"), headers=PAGE_HEADERS)

    @app.post("/invoices/x/hold")
    async def refused() -> HTMLResponse:
        headers = {**PAGE_HEADERS, "HX-Push-Url": "false"}
        return alone(HTMLResponse(tried("refused"), 422, headers), "change")

    with served(app) as base:
        async with window(browser, base) as on:
            await on.open("/")
            await on.page.locator("#save").press("Enter")
            beside = on.page.locator("#save-view-name")
            await beside.fill("typed")
            await on.page.locator("#change-do").press("Enter")
            await expect(on.page.locator("#change > .bad")).to_have_text("refused")
            await expect(beside).to_have_value("typed")
            await expect(on.page.locator("#main h1")).to_have_text("first")
            assert on.page.url == f"{base}/"
