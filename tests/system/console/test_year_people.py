"""People at work on the demo after its Monday, in a real browser and by keys alone: finance, an engineer, customer success,
and who leads. What each does stands in the services' audit rows under their name. The last closes January."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest
from playwright.async_api import Browser, expect

from lab.departures.client import Client
from lab.departures.monday import CARGO, CARGO_EVENTS
from lab.departures.year import NEW_YORK, SOURCE
from services.console.domain.addresses import with_query
from services.console.domain.parts import key_of
from services.console.domain.roles import Role
from services.console.upstream.domain.told import Service
from tests.needs import NEEDS_BROWSER
from tests.system.console.browser import Window, window
from tests.system.console.reading import Read, read, ungrouped
from tests.system.console.year import Year
from tests.waiting import until

pytestmark = [
    NEEDS_BROWSER,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1200),
]
#: The grace of January has ended.
CLOSED = datetime(2014, 2, 5, tzinfo=NEW_YORK)


@asynccontextmanager
async def at_work(browser: Browser, year: Year, role: Role) -> AsyncIterator[tuple[Window, Client]]:
    """A person of the demo before the console, and the API beside them."""
    async with window(browser, year.console) as on, year.client() as client:
        await on.sign_in(role)
        yield on, client


async def of_audit(client: Client, service: str, verb: str, role: Role) -> list[dict[str, Any]]:
    """What the service says this role's person did, newest first."""
    rows: list[dict[str, Any]] = (await client.get(service, "/v1/audit", verb=verb, actor=f"demo-{role}"))[
        "data"
    ]
    return rows


async def test_finance_goes_from_a_total_to_a_raw_event_and_its_clause_in_three_steps(
    browser: Browser, year: Year
) -> None:
    async with at_work(browser, year, "finance") as (on, client):
        await on.press("g", "i")
        await on.type("filters-customer", "EV")
        await on.press("Enter")
        await expect(on.page.locator("h1")).to_have_text("Invoices")
        [draft, invoice] = (await client.get("billing", "/v1/invoices", customer="EV", limit=2))["data"]
        assert (draft["status"], invoice["status"]) == ("draft", "finalized")
        second = on.page.locator("#invoices tbody tr").nth(1)
        await expect(second).to_contain_text(invoice["number"])
        total = await second.locator("td.number").inner_text()
        assert ungrouped(total) == f"USD {invoice['total']}"
        await on.screens("year-invoices")
        await on.page.locator("#main").focus()
        await on.press("j", "j", "Enter")
        await expect(on.page.locator("h1")).to_have_text(f"Invoice {invoice['number']}")
        await expect(on.page.locator("#facts")).to_contain_text(total)
        await on.screens("year-invoice")
        await on.press("j", "Enter")
        line = invoice["lines"][0]
        await expect(on.page.locator("h1")).to_contain_text(f"{line['description'] or line['key']}: why")
        path = f"/v1/invoices/{invoice['id']}/lines/{line['id']}/trace"
        trace = await client.get("billing", path, limit=50)
        for step in (trace["explanation"] or trace["line"])["steps"]:
            await expect(on.page.locator("#steps")).to_contain_text(step["text"])
        [clause] = trace["clause_versions"]
        await expect(
            on.page.get_by_role("heading", name=f"Clause {clause['section']}/{clause['key']}, version 1")
        ).to_be_visible()
        await expect(on.page.locator("pre").filter(has_text='"up_to": "1500"')).to_be_visible()
        await on.screens("year-line")
        first = trace["events"]["data"][0]
        await on.to(await on.page.locator("#events tbody a").first.get_attribute("id") or "")
        await on.enter()
        await expect(on.page.locator("h1")).to_have_text(f"Event {first['id']}")
        await expect(on.page.locator("#verdict")).to_have_text("billed")
        await on.screens("year-event")


async def test_finance_says_whose_the_cargo_is_and_the_draft_moves(browser: Browser, year: Year) -> None:
    async with at_work(browser, year, "finance") as (on, client):
        before = await _draft_of(client, "EV")
        await on.press("g", "s")
        await on.type("narrow-subject", CARGO)
        await on.press("Enter")
        await expect(on.page.locator("#suspense tbody tr")).to_have_count(1)
        await expect(on.page.locator("#suspense tbody tr")).to_contain_text(str(CARGO_EVENTS))
        await on.screens("year-suspense")
        await on.page.locator("#main").focus()
        await on.press("j", "Enter")
        await expect(on.page.locator("h1")).to_have_text(f"Suspense of {CARGO}")
        await on.screens("year-suspended")
        await on.type("alias-customer", "EV")
        await on.enter()
        await expect(on.page.locator("#said")).to_have_text("The subject means that customer now.")
        await expect(on.page.locator("#months")).to_contain_text("Nothing of it waits any more.")

        async def moved() -> bool:
            await on.page.reload()
            shown = await on.page.locator("#drafts tbody td.number").all_inner_texts()
            return (
                [ungrouped(one) for one in shown]
                == [f"USD {await _draft_of(client, 'EV')}"]
                != [f"USD {before}"]
            )

        await until(moved, "EV's draft with the cargo in it")
        await on.screens("year-suspense-resolved")
        [row] = await of_audit(client, "rating", "add_alias", "finance")
        assert CARGO in row["after"]["aliases"] and CARGO not in row["before"]["aliases"]


async def _draft_of(client: Client, customer: str) -> str:
    [draft] = (await client.get("billing", "/v1/invoices", customer=customer, state="open"))["data"]
    return str(draft["total"])


async def test_finance_decides_what_came_too_late(browser: Browser, year: Year) -> None:
    async with at_work(browser, year, "finance") as (on, client):
        await on.press("g", "l")
        [held] = (await client.get("rating", "/v1/late-usage"))["data"]
        await expect(on.page.locator("#late tbody tr")).to_have_count(1)
        await on.screens("year-late")
        await on.press("j", "Enter")
        await expect(on.page.locator("h1")).to_contain_text(f"Late usage of {held['contract']}")
        await on.screens("year-late-one")
        await on.to("decide-decision")
        await on.page.keyboard.press("w")
        await expect(on.page.locator("#decide-decision")).to_have_value("waive")
        await on.type("decide-reason", "it came half a year later")
        await on.to("decide-do")
        await on.enter()
        await expect(on.page.locator("#said")).to_have_text("It is waived, and of no period any more.")
        await expect(on.page.locator("#late")).to_contain_text("Nothing waits.")
        [row] = await of_audit(client, "rating", "decide_late_usage", "finance")
        assert row["after"]["reason"] == "it came half a year later"


async def test_an_engineer_mends_an_event_and_sees_that_it_is_billed(browser: Browser, year: Year) -> None:
    async with at_work(browser, year, "engineer") as (on, client):
        await on.press("g", "q")
        await on.type("narrow-code", "value_not_a_number")
        await on.to("narrow-go")
        await on.press("Enter")
        await on.screens("year-quarantine")
        await on.page.locator("#main").focus()
        await on.press("j", "Enter")
        await expect(on.page.locator("h1")).to_contain_text("which could not be taken")
        await on.screens("year-quarantined")
        written = msgspec.json.decode(await on.page.locator("#repair-event").input_value())
        assert written["data"]["distance_miles"] == "two hundred"
        written["data"]["distance_miles"] = 200
        await on.type("repair-event", msgspec.json.encode(written).decode())
        await on.to("repair-do")
        await on.enter()
        await expect(on.page.locator("#said")).to_have_text("It is counted as you wrote it.")
        await on.screens("year-repaired")
        address = with_query("/events", {"source": SOURCE, "id": written["id"]})

        async def counted() -> bool:
            await on.open(address)
            return await on.page.locator("#verdict").inner_text() == "will be billed"

        await until(counted, "the verdict that it will be billed")
        await expect(on.page.locator("#contracts")).to_contain_text("2014")
        [row] = await of_audit(client, "usage_ingest", "repair_quarantined", "engineer")
        assert row["after"]["status"] == "repaired"


async def test_customer_success_finds_who_goes_first_reads_why_and_snoozes_it(
    browser: Browser, year: Year
) -> None:
    async with at_work(browser, year, "customer-success") as (on, client):
        await on.press("g", "c")
        await expect(on.page.locator("#customers tbody tr").first).to_contain_text("OO · ")
        await on.screens("year-customers")
        await on.press("j", "Enter")
        await expect(on.page.locator("h1")).to_have_text("Customer OO")
        told = await client.get("signals", "/v1/customers/OO/signals")
        for reason in told["evaluated"]["risk"]["reasons"]:
            await expect(on.page.locator("#reasons")).to_contain_text(reason["says"])
        await on.screens("year-customer")
        await on.to(await on.page.locator("#signals tbody a").first.get_attribute("id") or "")
        await on.enter()
        await expect(on.page.locator("h1")).to_have_text(re.compile(r"[a-z._]+ of OO"))
        await on.type("snooze-until", "2014-02-20T09:00:00Z")
        await on.to("snooze-do")
        await on.enter()
        await expect(on.page.locator("#said")).to_have_text("It comes back then.")
        await on.screens("year-signal")
        [row] = await of_audit(client, "signals", "snooze_signal", "customer-success")
        assert row["after"]["snoozed_until"] == "2014-02-20T09:00:00Z"


async def test_who_leads_sees_what_waits_as_the_services_say_it(browser: Browser, year: Year) -> None:
    async with at_work(browser, year, "leader") as (on, client):
        await on.press("g", "b")
        await on.to("now-do")
        await on.enter()
        await expect(on.page.locator("#progress")).to_contain_text("Check done", timeout=60_000)
        await on.screens("year-check")
        [row, *_] = await of_audit(client, "billing", "check_books", "leader")
        assert row["of"]["object"] == "check"
        await on.press("g", "w")
        await expect(on.page.locator("h1")).to_have_text("Where revenue waits")
        await on.screens("year-waiting")
        page = read(await on.page.content())
        await _stands_as_billing_says(page, client)
        await _is_at_the_door_and_at_risk_as_they_say(page, client)


async def _stands_as_billing_says(page: Read, client: Client) -> None:
    standing = await client.get("billing", "/v1/reconciliation/waiting")
    in_all = [f"{one['currency']} {one['amount']}" for one in standing["total"]["value"]]
    assert [ungrouped(one) for one in page.fact("standing", "Waits in all")] == in_all != []
    for one in standing["waterfalls"]:
        code, key = one["currency"], key_of(one["currency"])
        steps = [ungrouped(amount) for _, [amount] in page.facts[f"steps-{key}"]]
        assert steps == [f"{code} {step['amount']}" for step in one["steps"]]
        waits = [
            f"{code} {value['amount']}"
            for pile in standing["waiting"]
            for value in pile["value"]
            if value["currency"] == code
        ]
        assert [ungrouped(row.numbers[0]) for row in page.lists[f"waits-{key}"]] == waits
    events = [str(pile["events"]) for pile in standing["waiting"] if pile["events"]]
    assert [ungrouped(row.numbers[0]) for row in page.lists["events"]] == events
    owners = [[one["owner"], str(one["events"])] for one in standing["owners"]]
    assert [[row.cells[0], ungrouped(row.numbers[1])] for row in page.lists["owners"]] == owners


async def _is_at_the_door_and_at_risk_as_they_say(page: Read, client: Client) -> None:
    door = await client.get("usage_ingest", "/v1/quarantine/summary", status="open")
    groups = [[group["code"], str(group["events"])] for group in door["groups"]]
    assert [[row.cells[0], ungrouped(row.numbers[0])] for row in page.lists["door"]] == groups != []
    stakes = await client.get("signals", "/v1/customers/totals", at_risk="true")
    assert page.fact("stakes", "Customers at risk") == [str(stakes["customers"])] == ["2"]
    settled = [f"{one['currency']} {one['amount']}" for one in stakes["at_stake"]]
    assert [ungrouped(one) for one in page.fact("stakes", "Settled with them in twelve months")] == settled
    counts = [
        [count["kind"].replace("_", " "), service, str(count["open"]), str(count["overdue"])]
        for service in get_args(Service)
        for count in (await client.get(service, "/v1/exceptions/summary"))["counts"]
    ]
    shown = [[*row.cells[:2], *map(ungrouped, row.numbers[:2])] for row in page.lists["exceptions"]]
    assert sorted(shown) == sorted(counts)


async def test_finance_holds_january_and_approves_it_once_it_is_closed(browser: Browser, year: Year) -> None:
    async with at_work(browser, year, "finance") as (on, client):
        await on.press("g", "i")
        await on.type("filters-customer", "EV")
        await on.press("Enter")
        await expect(on.page.locator("#filters-customer")).to_have_value("EV")
        await on.page.locator("#main").focus()
        await on.press("j", "Enter")
        await expect(on.page.locator("h1")).to_have_text("Invoice draft of EV-2013")
        await on.type("hold-reason", "the cargo is new")
        await on.to("hold-do")
        await on.enter()
        await expect(on.page.locator("#said")).to_contain_text("It is held")
        await on.screens("year-invoice-held")
        [row] = await of_audit(client, "billing", "hold_invoice", "finance")
        document = row["of"]["id"]
        policy = {"replaces": 0, "above": {"USD": "20000"}, "changed_percent": None, "reason": "large ones"}
        await client.put("billing", "/v1/review-policy", policy)
        await client.move_clock(CLOSED)
        await until(lambda: _is(client, document, "held"), "January of EV final, and held", 120)
        await on.page.reload()
        await on.to("release-do")
        await on.enter()
        await expect(on.page.locator("#said")).to_contain_text("It goes on.")
        await until(lambda: _is(client, document, "awaiting_approval"), "January of EV waits for an approval")
        await on.page.reload()
        await on.screens("year-invoice-awaiting-approval")
        await on.to("approve-do")
        await on.enter()
        await expect(on.page.locator("#said")).to_contain_text("It is approved")
        await until(lambda: _is(client, document, "finalized"), "January of EV is an invoice")
        number = (await client.get("billing", f"/v1/invoices/{document}"))["number"]
        await on.page.reload()
        await expect(on.page.locator("h1")).to_have_text(f"Invoice {number}")
        await on.screens("year-invoice-approved")
        [row] = await of_audit(client, "billing", "approve_invoice", "finance")
        assert row["of"]["id"] == document
        await _approves_all_others(on, client)


async def _is(client: Client, document: str, state: str) -> bool:
    """Of January, once the clock has passed its grace."""
    found = await client.get("billing", f"/v1/invoices/{document}")
    final = all(statement["final"] for statement in found["statements"])
    return bool(final and found["state"] == state)


async def _approves_all_others(on: Window, client: Client) -> None:
    """Many at once, chosen by keys."""

    async def waiting() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await client.get("billing", "/v1/invoices", state="awaiting_approval")
        )["data"]
        return found

    async def closed() -> bool:
        drafts = client.pages("billing", "/v1/invoices", status="draft", period_to="2014-01-31")
        return {one["state"] async for one in drafts} == {"awaiting_approval"}

    await until(closed, "January is closed, but for what waits for an approval", 120)
    some = await waiting()
    await on.open("/invoices?state=awaiting_approval")
    await expect(on.page.locator("#invoices tbody tr")).to_have_count(len(some))
    for _ in some:
        await on.page.keyboard.press("j")
        await on.page.keyboard.press("x")
    await on.to("review-approve")
    await on.enter()
    await expect(on.page.locator("#said")).to_have_text("All that was chosen is approved.")

    async def invoiced() -> bool:
        return not await waiting()

    await until(invoiced, "all of them are invoices")


async def test_the_event_that_was_mended_is_billed_with_january(browser: Browser, year: Year) -> None:
    async with at_work(browser, year, "engineer") as (on, client):
        [row] = await of_audit(client, "usage_ingest", "repair_quarantined", "engineer")
        await on.press("g", "e")
        await on.type("ask-source", SOURCE)
        await on.type("ask-id", row["after"]["id"])
        await on.press("Enter")
        await expect(on.page.locator("#verdict")).to_have_text("billed")
        await on.screens("year-repaired-billed")
