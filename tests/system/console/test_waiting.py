"""The leader's first page, on a whole deployment and in a real browser: its figures are those of the APIs, and each leads by
keys alone to the page of its parts."""

import re
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, expect

from lab.departures.client import Client
from services.console.domain.amounts import GROUP, grouped
from services.console.domain.parts import key_of
from services.console.domain.times import day_of
from shared.postgres.setup import CONSOLE
from tests.needs import NEEDS_BROWSER
from tests.services.console.invoices.test_pages import said
from tests.system.console.browser import SCHEMES, Window, window
from tests.system.console.deployed import event, invoiced
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [NEEDS_BROWSER, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
REQUESTS_MAX = 8
UNKNOWN = "nobody <b>at all</b>"
#: What an event is worth at list price, by its type.
LISTED = {"seat": ("USD", "150000.50"), "yen": ("JPY", "7000")}
MONEY = re.compile(r"\b([A-Z]{3}) (-?[0-9,]+(?:\.[0-9]+)?)")


async def test_a_leader_sees_how_much_waits_where_and_whose_it_is(
    options: ClusterOptions, browser: Browser
) -> None:
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        async with window(browser, cluster.urls[CONSOLE]) as on:
            await _signs_in(on)
            await _is_told_what_will_appear(on)
            await _much_waits(client)
            await _its_figures_are_those_of_the_apis(on, client)
            await _each_figure_leads_to_its_parts_by_keys(on)
            await _compares_with_another_day(on, client)
            await _hinders_nobody(on, "waiting", "/")
            await _is_told_which_service_is_down(on, cluster)
        async with window(browser, cluster.urls[CONSOLE], scripts=False) as on:
            await _signs_in(on)
            await on.page.locator("#nav-2").press("Enter")
            await expect(on.page.locator("h1")).to_have_text("Invoices")
        await client.close()


async def _signs_in(on: Window) -> None:
    await on.open("/")
    await on.page.locator("#as-leader-do").press("Enter")
    await expect(on.page.locator("h1")).to_have_text("Where revenue waits")


async def _is_told_what_will_appear(on: Window) -> None:
    await expect(on.page.locator("#events")).to_contain_text("once the books have been checked")
    await _hinders_nobody(on, "waiting-empty", "/")


async def _much_waits(client: Client) -> None:
    """Two days are checked: on the second one event more waits, and nothing is left of what could not be taken."""
    for type_, (code, unit) in LISTED.items():
        listed = {"currency": code, "unit": unit}
        meter = {"meter": type_, "event_type": type_, "aggregation": "count", "list_price": listed}
        await client.post("rating", "/v1/meters", meter)
    await invoiced(client)
    await client.send_events([_of_nobody("1", "seat"), _of_nobody("2", "yen"), _without_time()])
    await _checked(client, suspended=2)
    await client.move_clock(datetime(2024, 2, 12, tzinfo=UTC))
    await client.send_events([_of_nobody("3", "seat")])
    await _checked(client, suspended=3)


def _of_nobody(id_: str, type_: str) -> bytes:
    sent = msgspec.json.decode(event(f"w{id_}", "2024-02-02T12:00:00Z"))
    return msgspec.json.encode({**sent, "subject": UNKNOWN, "type": type_})


def _without_time() -> bytes:
    sent = msgspec.json.decode(event("w0", "2024-02-02T12:00:00Z"))
    del sent["time"]
    return msgspec.json.encode(sent)


async def _checked(client: Client, suspended: int) -> None:
    """The books are checked once so many events are in suspense."""

    async def stored() -> bool:
        totals = (await client.get("rating", "/v1/suspense/totals"))["totals"]
        return bool(sum(one["events"] for one in totals) == suspended)

    await until(stored, f"{suspended} events in suspense")
    asked = await client.post("billing", "/v1/reconciliation/checks", {})

    async def done() -> bool:
        told = await client.get("billing", f"/v1/reconciliation/checks/{asked['id']}")
        return told["state"] == "done" and bool(told["holds"])

    await until(done, "the check, which holds")


async def _its_figures_are_those_of_the_apis(on: Window, client: Client) -> None:
    """String for string: what stands on the page was said, and what was said of money stands on the page."""
    told = await client.get("billing", "/v1/reconciliation/waiting")
    await _is_what_the_other_routes_say(client, told)
    others = [
        await client.get("signals", "/v1/customers/totals", at_risk="true"),
        await client.get("signals", "/v1/customers", at_risk="true", sort="renewal", limit=5),
        *[
            await client.get(service, "/v1/exceptions/summary")
            for service in ("rating", "billing", "signals", "usage_ingest")
        ],
    ]
    await on.open("/")
    text = await on.page.locator("main").inner_text()
    shown = {number.replace(GROUP, "") for _, number in MONEY.findall(text)}
    assert shown <= said([told, *others])
    for one in told["waterfalls"]:
        code, key = one["currency"], key_of(one["currency"])
        steps = await on.page.locator(f"#steps-{key} dd").all_inner_texts()
        assert [step.replace(GROUP, "") for step in steps] == [f"{code} {s['amount']}" for s in one["steps"]]
        marks = await on.page.locator(f"#way-{key} .mark").evaluate_all(
            "all => all.map(m => m.dataset.label)"
        )
        assert [mark.split(": ")[1].replace(GROUP, "") for mark in marks] == [
            s["amount"] for s in one["steps"]
        ]
        waits = await on.page.locator(f"#waits-{key} tbody").inner_text()
        for pile in told["waiting"]:
            for worth in pile["value"]:
                assert (f"{code} {grouped(worth['amount'])}" in waits) >= (worth["currency"] == code), pile
                assert pile["owner"] in waits or worth["currency"] != code
    await expect(on.page.locator("#standing")).to_contain_text(f"Compared with{day_of(_day(told['since']))}")
    summary = await client.get("usage_ingest", "/v1/quarantine/summary", status="open")
    [row] = await on.page.locator("#door tbody tr").all_inner_texts()
    assert summary["events"] == 1 and "time_missing" in row and summary["owner"] in row


async def _is_what_the_other_routes_say(client: Client, told: dict[str, Any]) -> None:
    """The standing that the check kept, against what the services add up now."""
    totals = await client.get("billing", "/v1/reconciliation/totals")
    names = ("place", "reason", "owner", "events", "unvalued", "value")
    piles = [{name: one[name] for name in names} for one in told["waiting"]]
    assert sorted(piles, key=str) == sorted(
        ({name: one[name] for name in names} for one in totals["waiting"]), key=str
    )
    suspense = (await client.get("rating", "/v1/suspense/totals"))["totals"]
    [nobody] = [one for one in told["waiting"] if one["reason"] == "no_customer"]
    assert nobody["value"] == sorted((one["value"] for one in suspense), key=lambda worth: worth["currency"])
    assert nobody["value"] == [
        {"currency": "JPY", "amount": "7000"},
        {"currency": "USD", "amount": "300001.00"},
    ]
    final = await client.get("billing", "/v1/invoices/totals", status="finalized")
    steps = {one["currency"]: {s["step"]: s["amount"] for s in one["steps"]} for one in told["waterfalls"]}
    assert {one["currency"]: one["total"] for one in final["totals"]} == {"USD": steps["USD"]["invoiced"]}
    [pile] = [one["more"] for one in told["changes"] if one["reason"] == "no_customer"]
    assert pile["value"] == [{"currency": "USD", "amount": "150000.50"}]


async def _each_figure_leads_to_its_parts_by_keys(on: Window) -> None:
    await on.page.keyboard.press("g")
    await on.page.keyboard.press("i")
    await expect(on.page.locator("h1")).to_have_text("Invoices")
    await on.page.keyboard.press("g")
    await on.page.keyboard.press("w")
    await expect(on.page.locator("h1")).to_have_text("Where revenue waits")
    await expect(on.page.locator("#main")).to_be_focused()
    key = key_of("USD")
    await on.page.locator(f"#way-{key}-view").focus()
    reached = on.page.locator(f"#way-{key} .reached")
    for pressed, said_ in (("ArrowRight", "stored: "), ("End", "invoiced: 2,500.00"), ("Home", "stored: ")):
        await on.page.keyboard.press(pressed)
        await expect(reached).to_contain_text(said_)
    await on.page.locator(f"#way-{key}-as-table").press("Enter")
    await expect(on.page.locator(f"#way-{key} table")).to_contain_text("2,500.00")
    for figure, heading in (
        (on.page.locator(f"#waits-{key} tbody a", has_text="USD 300,001.00"), "Suspense"),
        (on.page.locator(f"#steps-{key} a", has_text="USD 2,500.00"), "Invoices"),
        (on.page.locator("#door tbody a[href^='/quarantine']"), "Quarantine"),
    ):
        await figure.press("Enter")
        await expect(on.page.locator("h1")).to_have_text(heading)
        await on.page.go_back()
        await expect(on.page.locator("h1")).to_have_text("Where revenue waits")


async def _compares_with_another_day(on: Window, client: Client) -> None:
    told = await client.get("billing", "/v1/reconciliation/waiting")
    await on.page.locator("#compare-since").fill(told["day"])
    await on.page.locator("#compare-go").press("Enter")
    await on.page.wait_for_url(lambda url: f"since={told['day']}" in url)
    await expect(on.page.locator("#standing")).to_contain_text(f"Compared with{day_of(_day(told['since']))}")
    assert await on.open("/?since=yesterday") == 422
    assert await on.violations() == []


async def _hinders_nobody(on: Window, name: str, path: str) -> None:
    began = len(on.reports.requests)
    assert await on.open(path) == 200
    assert len(on.reports.requests) - began <= REQUESTS_MAX
    for scheme in SCHEMES:
        await on.page.emulate_media(color_scheme=scheme)
        assert await on.violations() == [], (name, scheme)
    places = await on.walk()
    assert places[-1] == "#keys-open", (name, places)
    await on.screens(name)


async def _is_told_which_service_is_down(on: Window, cluster: Cluster) -> None:
    """Its blocks are grey, the others stand."""
    await cluster.processes["signals"].stop()
    assert await on.open("/") == 200
    await expect(on.page.locator(".down").first).to_contain_text("signals cannot be reached")
    await expect(on.page.locator("#standing")).to_contain_text("USD")
    await cluster.processes["billing"].stop()
    assert await on.open("/") == 200
    await expect(on.page.locator(".down").first).to_contain_text("billing cannot be reached")
    await expect(on.page.locator("#door")).to_contain_text("time_missing")
    assert await on.violations() == []
    await on.screens("waiting-down")


def _day(day: str) -> date:
    return date.fromisoformat(day)
