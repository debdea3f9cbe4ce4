"""What waits for people in any service, on a whole deployment and in a real browser: taken over, noted, resolved by keys
alone, with its price as the API says it; who comes second is told; a service that is down leaves the others."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from lab.departures.client import Client
from services.console.domain.amounts import grouped
from shared.postgres.setup import CONSOLE
from tests.needs import NEEDS_BROWSER
from tests.system.console.browser import SCHEMES, Window, window
from tests.system.console.deployed import event, invoiced
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [NEEDS_BROWSER, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
REASON = "price in <i>dispute"
BYTES = {
    "meter": "bytes",
    "event_type": "call",
    "aggregation": "sum",
    "field": "bytes",
    "missing": "quarantine",
}


async def test_what_waits_for_people_is_done_by_them(options: ClusterOptions, browser: Browser) -> None:
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        draft, _ = await invoiced(client)
        held, unreadable = await _two_wait(client, draft)
        base = cluster.urls[CONSOLE]
        async with window(browser, base) as finance, window(browser, base) as leader:
            await _sign_in(finance, "finance")
            await _sign_in(leader, "leader")
            await _all_services_in_one_list(finance, held)
            await _of_two_who_take_it_over_one_is_told(finance, leader, held)
            await _a_person_resolves_what_nothing_else_can(finance, unreadable)
            await _nothing_hinders_a_reader(finance, held)
            await _it_is_written_who_did_it(client)
            await cluster.processes["billing"].stop()
            await finance.open("/work")
            await expect(finance.page.locator(".down")).to_contain_text("billing cannot be reached")
            assert await finance.violations() == []
        async with window(browser, base, scripts=False) as on:
            await _sign_in(on, "engineer")
            await on.page.locator("#narrow-state").select_option("resolved")
            await on.page.locator("#narrow-go").press("Enter")
            await expect(on.page.locator("#cases tbody tr")).to_have_count(1)
        await client.close()


async def _two_wait(client: Client, draft: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A draft that is held, and usage whose value a meter cannot read, which is said once for what was stored before."""
    await client.post("rating", "/v1/meters", BYTES)
    await until(lambda: _backfilled(client), "the meter has counted what was stored before it")
    await client.send_events([event("unreadable", "2024-02-02T12:00:00Z")])
    await client.post("billing", f"/v1/invoices/{draft['id']}/hold", {"reason": REASON})
    held = await until(lambda: _open(client, "billing", "held_by_person"), "what is held")
    return held, await until(lambda: _open(client, "rating", "usage_value_unreadable"), "what cannot be read")


async def _backfilled(client: Client) -> bool:
    return bool((await client.get("rating", "/v1/meters/bytes"))["backfilled"])


async def _open(client: Client, service: str, kind: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = (await client.get(service, "/v1/exceptions", kind=kind))["data"]
    return found[0] if found else None


async def _sign_in(on: Window, role: str) -> None:
    await on.open("/work")
    await on.page.locator(f"#as-{role}-do").press("Enter")
    await expect(on.page.locator("h1")).to_have_text("Work")


async def _all_services_in_one_list(on: Window, held: dict[str, Any]) -> None:
    """By keys; prices are the API's, and the filter stands in the address."""
    await expect(on.page.locator("#cases tbody tr")).to_have_count(2)
    row = on.page.locator("#cases tbody tr").filter(has_text="held by person")
    await expect(row).to_contain_text(f"USD {grouped(held['price']['amount'])}")
    await expect(row).to_contain_text(REASON)
    await expect(on.page.locator("#cases")).to_contain_text("usage value unreadable")
    await on.page.locator("#narrow-service").select_option("rating")
    await on.page.locator("#narrow-go").press("Enter")
    await expect(on.page.locator("#cases tbody tr")).to_have_count(1)
    await on.page.wait_for_url(lambda url: "service=rating" in url)
    for key in ("j", "Enter"):
        await on.page.keyboard.press(key)
    await expect(on.page.locator("h1")).to_have_text("Usage value unreadable")
    await expect(on.page.locator("#detail")).to_contain_text(
        "Correct them (void and new id), or change the meter."
    )


async def _of_two_who_take_it_over_one_is_told(finance: Window, leader: Window, held: dict[str, Any]) -> None:
    for on in (finance, leader):
        await on.open(f"/work/billing/{held['id']}")
        await expect(on.page.locator("#assign-to")).to_have_value(
            f"demo-{'finance' if on is finance else 'leader'}"
        )
    await finance.page.locator("#assign-to").press("Enter")
    await expect(finance.page.locator("#said")).to_have_text("It is theirs now.")
    await leader.page.locator("#assign-to").press("Enter")
    told = leader.page.locator("[role=alert]")
    await expect(told).to_contain_text("Since you looked: demo-finance assigned it to demo-finance.")
    await expect(leader.page.locator("#case")).to_contain_text("demo-finance")
    await leader.page.locator("#note-note").focus()
    await leader.page.keyboard.insert_text("they know <b>")
    await leader.page.locator("#note-do").press("Enter")
    await expect(leader.page.locator("#acts")).to_contain_text("demo-leader noted: they know <b>")
    await expect(leader.page.locator("#resolve")).to_have_count(0)


async def _a_person_resolves_what_nothing_else_can(on: Window, unreadable: dict[str, Any]) -> None:
    await on.open(f"/work/rating/{unreadable['id']}")
    await on.page.locator("#resolve-note").focus()
    await on.page.keyboard.type("the meter was a mistake")
    await on.page.locator("#resolve-do").press("Enter")
    await expect(on.page.locator("#said")).to_have_text("It is resolved.")
    await expect(on.page.locator("#acts")).to_contain_text("resolved it: the meter was a mistake")
    await expect(on.page.locator("form.change")).to_have_count(0)


async def _nothing_hinders_a_reader(on: Window, held: dict[str, Any]) -> None:
    for name, path in {
        "work": "/work",
        "work-empty": "/work?service=signals",
        "work-one": f"/work/billing/{held['id']}",
    }.items():
        assert await on.open(path) == 200, path
        for scheme in SCHEMES:
            await on.page.emulate_media(color_scheme=scheme)
            assert await on.violations() == [], (name, scheme)
        places = await on.walk()
        assert places[-1] == "#keys-open", (name, places)
        await on.screens(name)


async def _it_is_written_who_did_it(client: Client) -> None:
    for service, verb, actor in (
        ("billing", "assign_exception", "demo-finance"),
        ("billing", "note_exception", "demo-leader"),
        ("rating", "resolve_rating_exception", "demo-finance"),
    ):
        rows = (await client.get(service, "/v1/audit", verb=verb))["data"]
        assert [row["actor"] for row in rows] == [actor], verb
