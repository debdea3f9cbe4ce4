"""A month is closed in the console, on a whole deployment and in a real browser: the policy is set, drafts are held,
released and approved by keys alone, suspense is accepted in writing, and of two people with one draft one is told."""

from datetime import UTC, datetime
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
MONTH = "2024-02"
DRAFTS = "/invoices?status=draft&ends_from=2024-02-01&ends_to=2024-02-29"
UNKNOWN = "nobody <b>knows"
REASON = "price in <i>dispute"
#: Beside those of the frame, each with its files.
REQUESTS_MAX = 8


async def test_a_month_is_closed(options: ClusterOptions, browser: Browser) -> None:
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        await invoiced(client)
        base = cluster.urls[CONSOLE]
        async with window(browser, base) as leader, window(browser, base) as finance:
            await _sign_in(leader, "leader")
            await _sign_in(finance, "finance")
            await _the_policy_is_set(leader, finance)
            draft = await _waits_for_an_approval(client)
            await _finance_sees_what_is_left(finance, draft)
            await _two_people_hold_one_draft(finance, leader)
            await _it_is_released_and_approved_by_keys(finance, leader)
            await _numbered(client, draft)
            await _suspense_is_accepted(client, finance)
            await _nothing_hinders_a_reader(finance)
            await _it_is_written_who_did_it(client)
            await cluster.processes["billing"].stop()
            await _the_steps_of_others_stand(finance)
        await client.close()


async def _sign_in(on: Window, role: str) -> None:
    await on.open("/close")
    await on.page.locator(f"#as-{role}-do").press("Enter")
    await expect(on.page.locator("h1")).to_have_text("Close 2024-01")


async def _the_policy_is_set(leader: Window, finance: Window) -> None:
    """Both see that there is none; the leader is first, and finance is told, with what they typed still there."""
    for on in (leader, finance):
        await on.open("/close/policy")
        await expect(on.page.locator("#in-force")).to_have_text("No draft waits for an approval.")
    for on in (leader, finance):
        await on.page.locator("#set-above").focus()
        await on.page.keyboard.type("USD 10000.00")
        await on.page.keyboard.press("Tab")
        await on.page.keyboard.type("30")
        await on.page.keyboard.press("Tab")
        await on.page.keyboard.type(f"the audit of {on is leader}")
        await on.page.keyboard.press("Enter")
        await on.page.wait_for_load_state("networkidle")
    await expect(leader.page.locator("#said")).to_have_text("It is in force.")
    await expect(leader.page.locator("#in-force")).to_contain_text("above USD 10,000.00")
    await expect(finance.page.locator("[role=alert]")).to_contain_text(
        "version 1 is in force, set by demo-leader"
    )
    await expect(finance.page.locator("#set-reason")).to_have_value("the audit of False")


async def _waits_for_an_approval(client: Client) -> dict[str, Any]:
    """February's draft, once its period is closed."""
    await client.move_clock(datetime(2024, 3, 4, tzinfo=UTC))

    async def waits() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await client.get("billing", "/v1/invoices", state="awaiting_approval")
        )["data"]
        return found

    [draft] = await until(waits, "a draft that waits for an approval")
    return draft


async def _finance_sees_what_is_left(finance: Window, draft: dict[str, Any]) -> None:
    """What stands on top of pages is asked for once a second, and so is the clock that says which month is over."""

    async def is_over() -> bool:
        await finance.open("/invoices")
        await finance.page.keyboard.press("g")
        await finance.page.keyboard.press("m")
        await expect(finance.page.locator("h1")).to_contain_text("Close")
        return await finance.page.locator("h1").inner_text() == f"Close {MONTH}"

    await until(is_over, "February is over")
    await expect(finance.page.locator("#steps-metered")).to_contain_text("1 of 1 statements are final")
    await expect(finance.page.locator("#steps-drafts")).to_contain_text("1 to be approved")
    await finance.page.locator("#steps-drafts-open").press("Enter")
    await expect(finance.page.locator("h1")).to_have_text("Invoices")
    row = finance.page.locator("#invoices tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text(f"USD {grouped(draft['total'])}")
    await expect(finance.page.locator("#filters-ends_to")).to_have_value("2024-02-29")


async def _two_people_hold_one_draft(finance: Window, leader: Window) -> None:
    """The second is told by whom and why, and what they typed is still there."""
    for on in (finance, leader):
        await on.open(DRAFTS)
        await expect(on.page.locator("#invoices tbody tr")).to_have_count(1)
    await _decide(finance, "hold", REASON)
    await expect(finance.page.locator("#said")).to_have_text("All that was chosen is held.")
    await _decide(leader, "hold", "another reason")
    await expect(leader.page.locator("[role=alert]")).to_have_text("0 done, 1 refused.")
    await expect(leader.page.locator("#refused")).to_contain_text(f"held by demo-finance: {REASON}")
    await expect(leader.page.locator("#review-reason")).to_have_value("another reason")
    await expect(leader.page.locator("[name=picked]")).to_be_checked()
    await finance.open(f"/close?month={MONTH}")
    await expect(finance.page.locator("#steps-drafts")).to_contain_text("blocked")
    await expect(finance.page.locator("#steps-drafts")).to_contain_text("1 held")


async def _decide(on: Window, act: str, reason: str = "") -> None:
    """By keys: the box, the reason, the button."""
    box = on.page.locator("[name=picked]").first
    await box.focus()
    await on.page.keyboard.press("Space")
    await expect(box).to_be_checked()
    if reason:
        await on.page.locator("#review-reason").focus()
        await on.page.keyboard.insert_text(reason)
    await on.page.locator(f"#review-{act}").press("Enter")


async def _it_is_released_and_approved_by_keys(finance: Window, leader: Window) -> None:
    """Who has set the policy does not approve by it."""
    await finance.open(DRAFTS)
    await _decide(finance, "release")
    await expect(finance.page.locator("#said")).to_have_text("All that was chosen goes on.")

    async def waits() -> bool:
        await leader.open(DRAFTS)
        return "awaiting approval" in await leader.page.locator("#invoices").inner_text()

    await until(waits, "it waits for the approval again")
    await _decide(leader, "approve")
    await expect(leader.page.locator("#refused")).to_contain_text(
        "Who asks for approvals does not give them."
    )
    await finance.open(DRAFTS)
    await _decide(finance, "approve")
    await expect(finance.page.locator("#said")).to_have_text("All that was chosen is approved.")


async def _numbered(client: Client, draft: dict[str, Any]) -> None:
    async def done() -> bool:
        found = await client.get("billing", f"/v1/invoices/{draft['id']}")
        return bool(found["number"])

    await until(done, "its number")


async def _suspense_is_accepted(client: Client, finance: Window) -> None:
    unknown = event("u-1", "2024-02-10T12:00:00Z").replace(b'"acme"', b'"' + UNKNOWN.encode() + b'"')
    await client.send_events([unknown])

    async def waits() -> bool:
        await finance.open(f"/close/suspense?month={MONTH}")
        return await finance.page.locator("#lines tbody tr").count() == 1

    await until(waits, "usage in suspense")
    await finance.page.locator("#lines tbody a[id$=-open]").press("Enter")
    await expect(finance.page.locator("h1")).to_have_text(f"Suspense of {UNKNOWN}")
    await finance.page.locator("#accept-because").focus()
    await finance.page.keyboard.type("a test of theirs")
    await finance.page.keyboard.press("Enter")
    await expect(finance.page.locator("#said")).to_contain_text("It is accepted")
    await expect(finance.page.locator("#lines")).to_contain_text("by demo-finance")
    await finance.open(f"/close?month={MONTH}")
    await expect(finance.page.locator("#steps-suspense")).to_contain_text("1 of 1 accepted")


async def _nothing_hinders_a_reader(on: Window) -> None:
    """In either scheme, full and empty; Tab never leaves the page; a page asks for few files."""
    names = {"customer": "nobody", "type": "x", "reason": "no_meter", "month": MONTH}
    line = "&".join(f"{name}={value}" for name, value in names.items())
    for name, path in {
        "close": f"/close?month={MONTH}",
        "close-empty": "/close?month=2030-01",
        "close-statements": "/close/statements?month=2024-03",
        "close-suspense": f"/close/suspense?month={MONTH}",
        "close-accept-empty": f"/close/accept?{line}",
        "close-policy": "/close/policy",
    }.items():
        began = len(on.reports.requests)
        assert await on.open(path) == 200, path
        assert len(on.reports.requests) - began <= REQUESTS_MAX
        for scheme in SCHEMES:
            await on.page.emulate_media(color_scheme=scheme)
            assert await on.violations() == [], (name, scheme)
        places = await on.walk()
        assert places[-1] == "#keys-open", (name, places)
        await on.screens(name)


async def _it_is_written_who_did_it(client: Client) -> None:
    for verb, actors in {
        "set_review_policy": ["demo-leader"],
        "accept_suspense": ["demo-finance"],
        "review_invoices": ["demo-finance"] * 3,
    }.items():
        rows = (await client.get("billing", "/v1/audit", verb=verb))["data"]
        assert [row["actor"] for row in rows] == actors, verb
    [approved, _, held] = rows
    assert held["after"]["hold"]["reason"] == REASON and approved["after"]["approval"]["by"] == "demo-finance"


async def _the_steps_of_others_stand(on: Window) -> None:
    assert await on.open(f"/close?month={MONTH}") == 200
    await expect(on.page.locator(".down")).to_contain_text("billing cannot be reached")
    await expect(on.page.locator("#steps-metered")).to_contain_text("done")
    await expect(on.page.locator("#steps-drafts")).to_contain_text("not known")
    assert await on.violations() == []
    await on.screens("close-down")
