"""Every page of the console, as its routes say which there are: empty, full, and with an error it hinders nobody, Tab goes
through it, Enter leaves nobody nowhere, and its policy refuses nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from lab.departures.client import Client
from services.console.domain.roles import Role
from services.console.sessions.page import DEMO_ROLES
from shared.postgres.setup import CONSOLE
from tests.needs import NEEDS_BROWSER
from tests.system.console.audit import hindrances, lost_by_enter, opened
from tests.system.console.browser import Window, window
from tests.system.console.deployed import at_work
from tests.system.console.reader import PAGES, Page, reading
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [
    NEEDS_BROWSER,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1200),
]
WRONG = (
    "/nowhere",
    "/account?misspelt=1",
    "/invoices?cursor=rubbish",
    "/invoices?period_from=yesterday",
    "/invoices/inv_nobody",
    "/suspense/of?type=x",
    "/late/nobody/yesterday",
    "/late/nobody/2024-01-01",
    "/customers/nobody",
    "/customers?sort=mars",
    "/signals/sig_nobody",
    "/quarantine/qua_nobody",
    "/reconciliation/chk_nobody",
)


async def test_every_page_is_for_everybody(options: ClusterOptions, browser: Browser) -> None:
    async with Cluster(options) as cluster:
        base = cluster.urls[CONSOLE]
        empty = await _pages(base)
        faults = await _audited(browser, base, empty)
        client = Client(cluster.urls, cluster.admin_key)
        await at_work(client)
        [draft] = (await client.get("billing", "/v1/invoices", status="draft"))["data"]
        await client.post(
            "billing", f"/v1/invoices/{draft['id']}/hold", {"reason": "the price is in dispute"}
        )
        await client.close()
        async with reading(base, "finance") as reader:
            await reader.save_view("/invoices?customer=acme", "one customer")
        full = await _pages(base)
        assert {page.route for pages in full.values() for page in pages} == PAGES.keys()
        faults += await _audited(browser, base, full)
        faults += await _entered(browser, base, full)
        faults += await _read_wrongly(browser, base)
        # whoever presses every button also removes the view
        async with reading(base, "finance") as reader:
            await reader.save_view("/invoices?customer=acme", "one customer again")
        full = await _pages(base)
        for service in cluster.processes.values():
            if service.service != CONSOLE:
                await service.stop()
        faults += await _audited(browser, base, full, statuses=(200, 503))
    assert faults == [], faults


Pages = dict[Role, list[Page]]


async def _pages(base: str) -> Pages:
    """Each page that has something on it which no other role's page of that route has."""
    found: Pages = {}
    known = set[tuple[str, frozenset[str]]]()
    for role in DEMO_ROLES:
        async with reading(base, role) as reader:
            pages = [page async for page in reader.pages()]
        found[role] = [page for page in pages if page.kind not in known]
        known |= {page.kind for page in pages}
    return found


@asynccontextmanager
async def _signed_in(browser: Browser, base: str, role: Role) -> AsyncIterator[Window]:
    async with window(browser, base) as on:
        await on.sign_in(role)
        yield on


async def _audited(
    browser: Browser, base: str, pages: Pages, *, statuses: tuple[int, ...] = (200,)
) -> list[str]:
    faults = []
    for role, some in pages.items():
        async with _signed_in(browser, base, role) as on:
            for page in some:
                assert await opened(on, page.address) in statuses, page.address
                faults += await hindrances(on, page.address)
    return faults


async def _entered(browser: Browser, base: str, pages: Pages) -> list[str]:
    lost, tried = list[str](), set[str]()
    for role, some in pages.items():
        async with _signed_in(browser, base, role) as on:
            for page in some:
                lost += await lost_by_enter(on, page.address, tried)
    assert len(tried) > 50
    return lost


async def _read_wrongly(browser: Browser, base: str) -> list[str]:
    faults = []
    async with _signed_in(browser, base, "finance") as on:
        for address in WRONG:
            status = await opened(on, address)
            assert 400 <= status < 500, (address, status)
            faults += await hindrances(on, address)
    return faults
