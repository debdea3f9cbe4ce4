"""Finance and a leader decide about one draft, on a whole deployment and in real browsers: of two at once one is done, and
the other is told."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from lab.departures.client import Client
from shared.postgres.setup import CONSOLE
from tests.needs import NEEDS_BROWSER
from tests.system.console.browser import SCHEMES, Window, window
from tests.system.console.deployed import invoiced
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [NEEDS_BROWSER, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
POLICY = {"replaces": 0, "above": {"USD": "1000.00"}, "changed_percent": None, "reason": "four eyes"}
REASON = "price in <b>dispute</b>"


async def test_of_two_who_decide_at_once_one_is_done_and_the_other_is_told(
    options: ClusterOptions, browser: Browser
) -> None:
    async with Cluster(options) as cluster:
        client, base = Client(cluster.urls, cluster.admin_key), cluster.urls[CONSOLE]
        draft = await _awaited(client)
        async with window(browser, base, scripts=False) as on:
            await _sign_in(on, "leader")
            await _holds_and_releases_what_is_chosen_without_scripts(on, draft)
        async with window(browser, base) as finance, window(browser, base) as leader:
            await _sign_in(finance, "finance")
            await _sign_in(leader, "leader")
            await _chooses_by_keys_alone(finance, draft)
            await _one_of_both_holds(finance, leader, draft)
            await _hinders_nobody(finance, leader, draft)
            await _one_of_both_approves(client, finance, leader, draft)
        await _stands_in_the_audit(client, draft)
        await client.close()


async def _awaited(client: Client) -> str:
    """The id of February's document, which is final and waits for an approval."""
    draft: str = (await invoiced(client))[0]["id"]
    await client.put("billing", "/v1/review-policy", POLICY)
    await client.move_clock(datetime(2024, 3, 4, tzinfo=UTC))

    async def waits() -> bool:
        state: str = (await client.get("billing", f"/v1/invoices/{draft}"))["state"]
        return state == "awaiting_approval"

    await until(waits, "February waits for an approval")
    return draft


async def _sign_in(on: Window, role: str) -> None:
    await on.open("/")
    await on.page.locator(f"#as-{role}-do").press("Enter")
    await expect(on.page.locator("#out .person")).to_have_text(f"demo-{role}")


async def _holds_and_releases_what_is_chosen_without_scripts(on: Window, draft: str) -> None:
    await on.open("/invoices?state=awaiting_approval")
    await on.page.locator(f"#invoices-{draft}-pick").check()
    await on.page.locator("#review-hold").click()
    await expect(on.page.locator("#review [role=alert]")).to_contain_text("reason")
    await expect(on.page.locator(f"#invoices-{draft}-pick")).to_be_checked()
    await on.page.locator("#review-reason").fill("a look first")
    await on.page.locator("#review-hold").click()
    await expect(on.page.locator("#said")).to_have_text("All that was chosen is held.")
    await on.open(f"/invoices/{draft}")
    await expect(on.page.locator("#facts")).to_contain_text("demo-leader")
    await on.page.locator("#release-do").click()
    await expect(on.page.locator("#said")).to_have_text("It goes on.")


async def _chooses_by_keys_alone(on: Window, draft: str) -> None:
    """j to the row, x chooses it, and x again no longer."""
    await on.open("/invoices?state=awaiting_approval")
    pick = on.page.locator(f"#invoices-{draft}-pick")
    await expect(on.page.locator("#main")).to_be_focused()
    await on.page.keyboard.press("j")
    for is_chosen in (True, False, True):
        await on.page.keyboard.press("x")
        await expect(pick).to_be_checked(checked=is_chosen)
    assert await on.violations() == []
    await on.page.locator("#review-release").press("Enter")
    await expect(on.page.locator("#review [role=alert]")).to_have_text("0 done, 1 refused.")
    await expect(on.page.locator("#refused")).to_contain_text("Nobody holds it.")
    await expect(pick).to_be_checked()
    assert await on.violations() == []
    await on.screens("invoices-refused")


async def _one_of_both_holds(finance: Window, leader: Window, draft: str) -> None:
    for on in (finance, leader):
        await on.open(f"/invoices/{draft}")
        await on.page.locator("#hold-reason").fill(REASON)
    await asyncio.gather(*(on.page.locator("#hold-reason").press("Enter") for on in (finance, leader)))
    won, lost = await _won_and_lost(finance, leader, "It is held")
    await expect(won.page.locator("#facts")).to_contain_text(REASON)
    await expect(won.page.locator("#timeline")).to_contain_text("held")
    await expect(lost.page.locator("#hold [role=alert]")).to_contain_text("Somebody holds it.")
    await expect(lost.page.locator("#hold [role=alert]")).to_contain_text("holds it since")
    await expect(lost.page.locator("#hold-reason")).to_have_value(REASON)
    assert await lost.violations() == []
    await lost.screens("invoice-refused")
    await won.page.locator("#release-do").press("Enter")
    await expect(won.page.locator("#said")).to_have_text("It goes on.")


async def _won_and_lost(one: Window, other: Window, said: str) -> tuple[Window, Window]:
    """Who was done what they asked for, and who was told why not."""
    told = [await _told(on) for on in (one, other)]
    done = [text.startswith(said) for text in told]
    assert sorted(done) == [False, True], told
    return (one, other) if done[0] else (other, one)


async def _told(on: Window) -> str:
    spoke = on.page.locator("#said:not(:empty), main [role=alert]").first
    await expect(spoke).to_be_visible()
    return await spoke.inner_text()


async def _hinders_nobody(finance: Window, leader: Window, draft: str) -> None:
    for on, path in ((finance, f"/invoices/{draft}"), (leader, "/invoices?status=draft")):
        await on.open(path)
        for scheme in SCHEMES:
            await on.page.emulate_media(color_scheme=scheme)
            assert await on.violations() == [], (path, scheme)
        places = await on.walk()
        assert places[-1] == "#keys-open", places
        await on.screens("invoice-to-approve" if on is finance else "invoices-to-review")


async def _one_of_both_approves(client: Client, finance: Window, leader: Window, draft: str) -> None:
    await asyncio.gather(*(on.open(f"/invoices/{draft}") for on in (finance, leader)))
    await asyncio.gather(*(on.page.locator("#approve-do").press("Enter") for on in (finance, leader)))
    won, lost = await _won_and_lost(finance, leader, "It is approved")
    # numbered meanwhile, or not yet
    told = await _told(lost)
    assert "Somebody else has approved it." in told or "It has its number" in told, told

    async def numbered() -> dict[str, Any] | None:
        found: dict[str, Any] = await client.get("billing", f"/v1/invoices/{draft}")
        return found if found["number"] else None

    final = await until(numbered, "the approved draft is numbered")
    await won.open(f"/invoices/{draft}")
    await expect(won.page.locator("h1")).to_have_text(f"Invoice {final['number']}")
    for what in ("approved", "numbered", "posted to the journal", final["approval"]["by"]):
        await expect(won.page.locator("#timeline")).to_contain_text(what)
    assert await won.page.locator("main form.change").count() == 0
    assert await won.violations() == []
    await won.screens("invoice-approved")


async def _stands_in_the_audit(client: Client, draft: str) -> None:
    async def actors(verb: str) -> list[str]:
        rows = (await client.get("billing", "/v1/audit", verb=verb, object_id=draft))["data"]
        return [row["actor"] for row in rows]

    assert len(await actors("hold_invoice")) == len(await actors("approve_invoice")) == 1
    assert {*await actors("hold_invoice"), *await actors("approve_invoice")} <= {
        "demo-finance",
        "demo-leader",
    }
    assert await actors("review_invoices") == ["demo-leader"]
