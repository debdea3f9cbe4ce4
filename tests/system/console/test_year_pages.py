"""Every page of the console on the demo's year: nothing hinders anybody, it is small and asks for little."""

import pytest
from playwright.async_api import Browser

from services.console.sessions.page import DEMO_ROLES
from tests.needs import NEEDS_BROWSER
from tests.system.console.audit import hindrances, opened
from tests.system.console.browser import window
from tests.system.console.reader import PAGES, reading
from tests.system.console.year import Year

pytestmark = [
    NEEDS_BROWSER,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1200),
]
NO_BRACES = str.maketrans("", "", "{}")


async def test_every_page_of_the_year_is_for_everybody(browser: Browser, year: Year) -> None:
    seen, faults = set[str](), list[str]()
    async with reading(year.console, "finance") as reader:
        await reader.save_view("/invoices?customer=EV", "ExpressJet")
    for role in DEMO_ROLES:
        async with reading(year.console, role) as reader, window(browser, year.console) as on:
            await on.sign_in(role)
            async for page in reader.pages():
                seen.add(page.route)
                assert await opened(on, page.address) == 200
                faults += await hindrances(on, page.address)
                await on.screens(f"year-{role}{page.route.replace('/', '-')}".translate(NO_BRACES))
    assert faults == [], faults
    assert seen == PAGES.keys()
