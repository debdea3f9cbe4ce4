"""What was drawn of a block that was sold below its amount, and all came back after others drew on it too: what the return costs
is not what the draw did, and statement, rows, documents and journal say the same of it."""

from collections.abc import AsyncIterator
from itertools import product

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from services.billing.conservation.checks.k5_liability import liability
from services.billing.conservation.checks.k5_money import money_of
from shared.db.published import until_published
from shared.db.unit_of_work import Database
from shared.topics.rating import BLOCK_ROWS, STATEMENTS
from tests.services.billing.hearing import Hearing
from tests.services.rating.deployment import Deployment, event, terms, utc, void

#: Cost basis, minor units of the block, units at 0.01 of January and of February.
CASES = [
    (basis, block, january, february)
    for basis, (block, january, february) in product(
        ("0.3", "0.5", "0.8", "0.333"), ((10, 5, 4), (10, 3, 7), (7, 6, 3), (9, 1, 2))
    )
]
#: Cost of the draws of a line of which nothing is drawn in the end.
COSTS_LEFT = """
    select r.contract, -sum(r.cost_minor)::bigint as cost_minor from rating.block_rows r
    where r.line_id is not null and r.period_start = $1
    group by r.contract, r.line_id, r.block_id having sum(r.amount_minor) = 0 and sum(r.cost_minor) <> 0
"""
JANUARY, FEBRUARY = utc("2024-01-01T00:00:00"), utc("2024-02-01T00:00:00")
MARCH_CLOSED, APRIL_CLOSED = utc("2024-04-05T00:00:00"), utc("2024-05-05T00:00:00")


@pytest.fixture
async def billing(rating: Deployment) -> AsyncIterator[Hearing]:
    db = Database(rating.database.url("billing"), "billing")
    await db.open()
    yield Hearing(db, rating.context.bus)
    await db.close()


async def begun(rating: Deployment, name: str, basis: str, minor: int) -> None:
    await rating.customer(name)
    line = {"key": "calls", "kind": "usage", "meter": "calls", "price": {"model": "per_unit", "unit": "0.01"}}
    await rating.apply(terms(name, name, lines=[line]))
    bought = {
        "kind": "prepaid",
        "document": "none",
        "amount": f"{minor / 100:.2f}",
        "cost_basis": basis,
        "currency": "USD",
        "contract": name,
        "effective": "2024-01-01",
        "reason": "a discount on what is bought beforehand",
    }
    answer = await rating.client.post("/v1/blocks", json=bought)
    assert answer.status_code == 201, answer.text


async def used(rating: Deployment, name: str, month: int, count: int) -> list[str]:
    ids = [f"{name}-{month}-{number}" for number in range(count)]
    at = utc(f"2024-{month:02}-10T00:00:00")
    await rating.send(*(event(one, name, at) for one in ids))
    return ids


async def hold(rating: Deployment, billing: Hearing, auditor: asyncpg.Connection) -> None:
    """Billing has heard all, and nothing is named of any period, block or entry."""
    now = rating.context.clock.now()
    for topic in (STATEMENTS, BLOCK_ROWS):
        await until_published(rating.context.db, topic.name)
    await billing.catch_up(now)
    rows = await auditor.fetch("select contract, period_start from rating.periods")
    periods = [(row["contract"], row["period_start"]) for row in rows]
    found = [
        *(await draws_of(auditor, periods)).breaks,
        *(await money_of(auditor, periods, now, drained=True)).breaks,
        *(await blocks(auditor, None, drained=True)).breaks,
        *(await liability(auditor, None, drained=True)).breaks,
    ]
    assert found == [], [(one.fault, one.contract, one.expected, one.found, one.where.key) for one in found]


async def test_what_was_drawn_and_taken_back_after_others_drew_is_said_at_what_it_costs(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection
) -> None:
    await rating.meter("calls")
    first: dict[str, list[str]] = {}
    for number, (basis, minor, january, february) in enumerate(CASES):
        name = f"c{number}"
        await begun(rating, name, basis, minor)
        first[name] = await used(rating, name, 1, january)
        await used(rating, name, 2, february)
    await rating.settled()
    await rating.advance(MARCH_CLOSED)
    await hold(rating, billing, auditor)
    await rating.send(*(void(one) for ids in first.values() for one in ids))
    await rating.settled()
    await rating.advance(APRIL_CLOSED)
    left = {row["contract"]: row["cost_minor"] for row in await auditor.fetch(COSTS_LEFT, JANUARY)}
    assert len(left) >= 3, "a residue is what this is about"
    await hold(rating, billing, auditor)

    for number, (name, ids) in enumerate(first.items()):
        again = [f"{one}-again" for one in ids[: 1 + number % 3]]
        await rating.send(*(event(one, name, utc("2024-01-11T00:00:00")) for one in again))
    await rating.settled()
    await rating.advance(utc("2024-06-05T00:00:00"))
    await hold(rating, billing, auditor)
