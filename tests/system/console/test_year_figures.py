"""The demo's year on the console's pages: each number is the API's, with groups for reading and nothing else changed, and a
list and its page never disagree."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from lab.departures.client import Client
from tests.system.console.reader import Reader, reading
from tests.system.console.reading import Row, ungrouped
from tests.system.console.year import Year

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
GROUPED = re.compile(r"(?:[A-Z]{3} )?-?[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?")
NONE = "–"


async def listed(reader: Reader, address: str, key: str) -> AsyncIterator[Row]:
    """All rows of a list, page by page."""
    while address:
        page = await reader.page(address)
        for row in page.read.lists[key]:
            yield row
        address = page.read.next


def as_said(*shown: str) -> list[str]:
    """Numbers as the API said them; each is grouped by thousands."""
    assert [one for one in shown if not GROUPED.fullmatch(one)] == []
    return [ungrouped(one) for one in shown]


def money(one: Mapping[str, Any], what: str) -> str:
    return f"{one['currency']} {one[what]}"


async def test_every_figure_of_the_year_agrees_and_its_monday_waits(year: Year) -> None:
    assert (year.summary["good"], year.summary["mismatches"]) == (True, [])
    assert year.summary["documents"] == 196
    waits = year.summary["monday"]
    assert (waits["suspense"], waits["quarantined"], waits["held_late"]) == (412, 14, 3)


async def test_each_document_is_on_its_page_as_in_the_list_and_as_billing_says_it(year: Year) -> None:
    async with reading(year.console, "finance") as reader, year.client() as client:
        told = {f"/invoices/{one['id']}": one async for one in client.pages("billing", "/v1/invoices")}
        rows = {row.href: row async for row in listed(reader, "/invoices", "invoices")}
        assert list(rows) == list(told) and len(told) > 200
        amounts: dict[str, set[str]] = {}
        for one in told.values():
            amounts.setdefault(one["contract"], {NONE}).update(line["amount"] for line in one["lines"])
        for href, one in told.items():
            assert as_said(*rows[href].numbers) == [money(one, "total")], href
            await _is_on_its_page(reader, href, one, amounts[one["contract"]])
        contracts = {one["contract"]: href for href, one in told.items() if one["lines"]}
        for href in contracts.values():
            for line in told[href]["lines"]:
                await _is_explained(reader, client, href, told[href], line)


async def _is_on_its_page(reader: Reader, href: str, one: dict[str, Any], before: set[str]) -> None:
    page = (await reader.page(href)).read
    assert as_said(page.fact("facts", "Total before tax")[0]) == [money(one, "total")], href
    assert [row.href for row in page.lists["lines"]] == [
        f"{href}/lines/{line['id']}" for line in one["lines"]
    ]
    for row, line in zip(page.lists["lines"], one["lines"], strict=True):
        assert as_said(*row.numbers[:2]) == [line["quantity"], line["amount"]], row.href
        assert ungrouped(row.numbers[2]) in before, row.href
    totals = [money(one, "subtotal")]
    totals += [money({**draw, "currency": one["currency"]}, "amount") for draw in one["draws"]]
    shown = [row.numbers[0] for row in page.lists["totals"]]
    assert as_said(*shown) == [*totals, money(one, "total")], href


async def _is_explained(
    reader: Reader, client: Client, href: str, one: dict[str, Any], line: dict[str, Any]
) -> None:
    page = (await reader.page(f"{href}/lines/{line['id']}")).read
    trace = await client.get("billing", f"/v1/invoices/{one['id']}/lines/{line['id']}/trace", limit=50)
    assert as_said(page.fact("facts", "Amount")[0]) == [money({**one, **line}, "amount")]
    steps = (trace["explanation"] or trace["line"])["steps"] or []
    assert [row.cells[2] for row in page.lists["steps"]] == [step["text"] for step in steps]
    shown = [row.numbers[0] for row in page.lists["steps"]]
    assert [ungrouped(number) for number in shown] == [step["amount"] or NONE for step in steps]
    events = (trace["events"] or {"data": []})["data"]
    told = [(event["source"], event["id"], event["value"]) for event in events]
    assert [(*row.cells[2:4], ungrouped(row.cells[5])) for row in page.lists["events"]] == told
    postings = (trace["journal_entry"] or {"postings": []})["postings"]
    shown = [row.numbers[0] for row in page.lists["entry"]]
    assert as_said(*shown) == [
        money({**posting, "currency": one["currency"]}, "amount") for posting in postings
    ]


async def test_each_customer_is_on_its_page_as_in_the_list_and_as_signals_says_it(year: Year) -> None:
    async with reading(year.console, "customer-success") as reader, year.client() as client:
        told = {
            f"/customers/{one['customer']}": one
            async for one in client.pages("signals", "/v1/customers", sort="risk")
        }
        rows = {row.href: row async for row in listed(reader, "/customers", "customers")}
        assert list(rows) == list(told) and len(told) == 16
        for href, one in told.items():
            risk, settled = rows[href].numbers
            assert as_said(risk) == [str(one["risk_score"])]
            assert ungrouped(settled) == ", ".join(money(worth, "amount") for worth in one["at_stake"])
            reasons = [f"{why['says']}: {why['number']} (from {why['threshold']})" for why in one["reasons"]]
            assert rows[href].cells[2] == "; ".join(reasons)
            await _is_known_on_its_page(reader, client, href, one)


async def _is_known_on_its_page(reader: Reader, client: Client, href: str, one: dict[str, Any]) -> None:
    page = (await reader.page(href)).read
    told = await client.get("signals", f"/v1/customers/{one['customer']}/signals")
    assert page.fact("customer", "Risk")[0].partition(",")[0] == str(one["risk_score"])
    reasons = told["evaluated"]["risk"]["reasons"]
    assert [as_said(*row.numbers) for row in page.lists["reasons"]] == [
        [why["number"], why["threshold"], str(why["points"])] for why in reasons
    ]
    values = [value.get("value") for value in told["values"]]
    assert [ungrouped(row.cells[1]) for row in page.lists["values"]] == [
        str(value) if isinstance(value, str | int) else "" for value in values
    ]


async def test_each_line_of_suspense_is_on_its_page_as_in_the_list_and_as_rating_says_it(year: Year) -> None:
    async with reading(year.console, "finance") as reader, year.client() as client:
        told = [row async for row in client.pages("rating", "/v1/suspense")]
        rows = [row async for row in listed(reader, "/suspense", "suspense")]
        assert len(rows) == len(told) > 0
        for row, one in zip(rows, told, strict=True):
            assert as_said(*row.numbers) == [str(one["events"]), money(one["value"], "amount")], row.href
            assert row.cells[:3] == [one["customer"] or one["subject"], one["type"], one["month"]]
            months = (await reader.page(row.href)).read.lists["months"]
            assert row.cells in [month.cells for month in months], row.href


async def test_late_usage_is_on_its_page_as_in_the_list_and_as_rating_says_it(year: Year) -> None:
    async with reading(year.console, "finance") as reader, year.client() as client:
        told = [row async for row in client.pages("rating", "/v1/late-usage")]
        rows = [row async for row in listed(reader, "/late", "late")]
        for row, one in zip(rows, told, strict=True):
            assert as_said(*row.numbers) == [str(one["events"]), money(one, "amount")]
            page = (await reader.page(row.href)).read
            assert page.fact("held", "As it would be billed") == [row.numbers[1]]
            lines = [as_said(*line.numbers) for line in page.lists["lines"]]
            assert lines == [[line["quantity"], money({**one, **line}, "amount")] for line in one["lines"]]
