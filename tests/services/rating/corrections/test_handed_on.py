"""What a correction would hand to the next period goes to the oldest one that is open: units below zero, of allowances that
roll over, and what is counted towards a commitment."""

from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k4_quantity import quantities_of
from shared.pricing import text_of
from shared.topics.rating import StatementMessage
from shared.topics.statement_steps import steps_asked, steps_of
from tests.services.rating.corrections.test_corrections import (
    FEBRUARY_CLOSED,
    JANUARY,
    JANUARY_CLOSED,
    MARCH_CLOSED,
)
from tests.services.rating.deployment import Deployment, event, terms, utc

LINE = {"key": "calls", "kind": "usage", "meter": "calls", "price": {"model": "per_unit", "unit": "2.00"}}
ROLLING = {**LINE, "included": {"units": "10", "roll_over": True}}
APRIL_CLOSED = utc("2024-05-04T00:00:00")


async def begun(rating: Deployment, line: dict[str, Any], **more: Any) -> None:
    await rating.customer("acme")
    await rating.meter("calls", aggregation="sum", field="units")
    await rating.apply(terms("acme-1", "acme", lines=[line], **more))


async def used(rating: Deployment, month: int, units: int) -> None:
    name = f"{month}-{units}"
    await rating.send(event(name, "acme", utc(f"2024-{month:02}-10T00:00:00"), {"units": units}))
    await rating.settled()


async def come_to(rating: Deployment, auditor: asyncpg.Connection, month: int) -> tuple[int, int]:
    """What a statement comes to, and how many of its units are priced."""
    said = await rating.stored("acme-1", f"2024-{month:02}-01")
    checked = await quantities_of(auditor, [("acme-1", utc(f"2024-{month:02}-01T00:00:00"))], None)
    assert checked.holds, checked.breaks
    return said.subtotal_minor, int(sum(one.priced for one in said.lines[0].segments))


def words(said: StatementMessage) -> list[str]:
    return [text_of(step) for step in steps_of(steps_asked(said, said.lines[0])) or ()]


@pytest.mark.parametrize("closed", [False, True], ids=["at-the-close", "after-it"])
async def test_units_below_zero_go_to_the_oldest_open_period(
    rating: Deployment, auditor: asyncpg.Connection, closed: bool
) -> None:
    """January was 5 below zero, and February made up for them; 3 late ones are charged where that is still open."""
    await begun(rating, LINE)
    await used(rating, 1, -5)
    await rating.advance(JANUARY_CLOSED)
    await used(rating, 2, 20)
    if closed:
        await rating.advance(FEBRUARY_CLOSED)
    await used(rating, 1, 3)
    await rating.advance(MARCH_CLOSED if closed else FEBRUARY_CLOSED)
    assert await come_to(rating, auditor, 2) == ((3000, 15) if closed else (3600, 18))
    if closed:
        assert await come_to(rating, auditor, 3) == (600, 3)
    said = await rating.stored("acme-1", "2024-03-01" if closed else "2024-02-01")
    assert "3 more, handed on by corrections of earlier periods" in words(said)
    assert (await quantities_of(auditor, [("acme-1", JANUARY)], None)).holds


async def test_what_is_taken_back_late_is_made_up_for_where_it_is_open_and_once(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await begun(rating, LINE)
    await used(rating, 1, 4)
    await rating.advance(JANUARY_CLOSED)
    await used(rating, 2, 20)
    await used(rating, 1, -6)
    await used(rating, 3, 7)
    run = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert [(one["occasion"], one["asked"]) for one in run.json()["corrections"]] == [("note:1", "-8.00")]
    await rating.settled()
    assert (await rating.stored("acme-1", "2024-02-01")).subtotal_minor == 3600
    await used(rating, 1, 1)
    await rating.advance(FEBRUARY_CLOSED)
    await rating.advance(MARCH_CLOSED)
    assert await come_to(rating, auditor, 2) == (3800, 19)
    assert await come_to(rating, auditor, 3) == (1400, 7)


async def test_what_an_allowance_handed_on_too_much_is_missing_in_those_that_are_open(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """January left 6 of 10, and February used 16. 14 late ones: 4 of them are charged in January, and 6 are missing."""
    await begun(rating, ROLLING)
    await used(rating, 1, 4)
    await rating.advance(JANUARY_CLOSED)
    await used(rating, 2, 16)
    await rating.advance(FEBRUARY_CLOSED)
    assert await come_to(rating, auditor, 2) == (0, 0)
    await used(rating, 1, 10)
    await used(rating, 3, 9)
    await rating.advance(MARCH_CLOSED)
    assert await come_to(rating, auditor, 3) == (1000, 5), "10 are included, of which 6 are missing"
    said = await rating.stored("acme-1", "2024-03-01")
    assert "9 used, 4 included or carried, of which corrections of earlier periods take 6" in words(said)


async def test_what_is_missing_beyond_an_allowance_goes_on(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """January left 10 and February 20, which March used, with its own. All of it is used late: 30 are missing."""
    await begun(rating, ROLLING)
    await rating.advance(FEBRUARY_CLOSED)
    await used(rating, 3, 30)
    await rating.advance(MARCH_CLOSED)
    await used(rating, 1, 10)
    await used(rating, 2, 20)
    await used(rating, 4, 1)
    await rating.advance(APRIL_CLOSED)
    assert await come_to(rating, auditor, 4) == (200, 1), "none of its 10"
    for month, units, amount in ((5, 3, 600), (6, 10, 2000), (7, 10, 0)):
        await used(rating, month, units)
        await rating.advance(utc(f"2024-0{month + 1}-04T00:00:00"))
        assert (await come_to(rating, auditor, month))[0] == amount, "none of its 10 before July"


async def test_after_the_last_period_nobody_takes_over(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await begun(rating, LINE, term={"start": "2024-01-01", "months": 1})
    await used(rating, 1, 4)
    await rating.advance(JANUARY_CLOSED)
    await used(rating, 1, -6)
    await rating.advance(FEBRUARY_CLOSED)
    rows = await rating.context.db.pool.fetch(
        "select asked_minor, handed_on, handed_to from rating.corrections"
    )
    assert [tuple(row) for row in rows] == [(-800, None, None)]


async def test_what_is_counted_late_is_counted_towards_the_commitment_that_goes_on(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Of 40.00 in two months, 8.00 and 20.00 were used, and 6.00 come late."""
    promise = {"key": "promise", "amount": "40.00", "period": {"months": 2}}
    await begun(rating, LINE, commitments=[promise])
    await used(rating, 1, 4)
    await rating.advance(JANUARY_CLOSED)
    await used(rating, 2, 10)
    await used(rating, 1, 3)
    await rating.advance(FEBRUARY_CLOSED)
    said = await rating.stored("acme-1", "2024-02-01")
    assert [(line.kind, line.amount_minor) for line in said.lines] == [("usage", 2000), ("shortfall", 600)]
