"""Corrections draw on blocks before drafts do, whatever drafts were priced before them."""

from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from tests.services.rating.corrections.test_corrections import (
    FEBRUARY_CLOSED,
    JANUARY_CLOSED,
    NOON,
    notes,
)
from tests.services.rating.deployment import Deployment, event, terms, utc

GIFT = {"key": "gift", "amount": "9.00"}
DRAWN = """select contract, start_date::text as start, -sum(amount_minor)::bigint as minor
    from rating.block_rows join rating.periods using (contract, period_start)
    where kind in ('draw', 'return') group by 1, 2 having sum(amount_minor) <> 0 order by 1, 2"""


async def begun(rating: Deployment, *contracts: str, **more: Any) -> None:
    await rating.customer("acme")
    for name in contracts:
        await rating.meter(name, event_type=name)
        line = {
            "key": "calls",
            "kind": "usage",
            "meter": name,
            "price": {"model": "per_unit", "unit": "2.00"},
        }
        await rating.apply(terms(name, "acme", lines=[line], **more))


async def used(rating: Deployment, contract: str, month: int, calls: int) -> None:
    at = NOON.replace(month=month)
    await rating.send(
        *(event(f"{contract}-{month}-{calls}-{n}", "acme", at, type=contract) for n in range(calls))
    )
    await rating.metered()


async def drawn(rating: Deployment, auditor: asyncpg.Connection) -> list[tuple[str, str, int]]:
    rows = await rating.context.db.pool.fetch(DRAWN)
    places = [(row["contract"], utc(f"{row['start']}T00:00:00")) for row in rows]
    checks = [await draws_of(auditor, places), await blocks(auditor, None, drained=False)]
    assert [check.breaks for check in checks] == [(), ()]
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("looked", [False, True], ids=["no-draft-was-priced", "a-draft-drew-it-all"])
async def test_a_correction_at_a_close_comes_to_the_same_whatever_drafts_were_priced(
    rating: Deployment, auditor: asyncpg.Connection, looked: bool
) -> None:
    await begun(rating, "one", credits=[GIFT])
    await rating.advance(JANUARY_CLOSED)
    await used(rating, "one", 2, 5)
    if looked:
        await rating.settled()
        assert await drawn(rating, auditor) == [("one", "2024-02-01", 900)]
    await used(rating, "one", 1, 3)
    await rating.advance(FEBRUARY_CLOSED)
    assert await drawn(rating, auditor) == [("one", "2024-01-01", 600), ("one", "2024-02-01", 300)]
    assert [(start, minor) for start, _, minor, _ in await notes(rating)] == [("2024-01-01", 600)]


async def test_a_run_that_is_asked_for_prices_the_drafts_again_that_drew_what_it_needs(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await begun(rating, "one", "two")
    granted = await rating.client.post(
        "/v1/blocks",
        json={
            "customer": "acme",
            "contracts": ["two", "one"],
            "kind": "promotional",
            "amount": "9.00",
            "currency": "USD",
            "effective": "2024-01-01",
            "reason": "goodwill",
        },
    )
    assert granted.status_code == 201, granted.text
    await rating.advance(JANUARY_CLOSED)
    await used(rating, "two", 2, 5)
    await rating.settled()
    assert await drawn(rating, auditor) == [("two", "2024-02-01", 900)]
    await used(rating, "one", 1, 2)
    run = await rating.client.post("/v1/contracts/one/corrections")
    assert [(one["outcome"], one["asked"]) for one in run.json()["corrections"]] == [("note", "0.00")]
    assert await drawn(rating, auditor) == [("one", "2024-01-01", 400), ("two", "2024-02-01", 500)]


async def test_a_draft_that_cannot_be_priced_keeps_what_it_drew(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """It fails only as the correction is made, which is made again without its draws."""
    await rating.customer("acme")
    await rating.meter("calls", group_by=["model"])
    price = {"model": "matrix", "dimensions": ["model"], "rates": [{"model": "a", "unit": "2.00"}]}
    line = {"key": "calls", "kind": "usage", "meter": "calls", "price": price}
    await rating.apply(terms("acme-1", "acme", lines=[line], credits=[GIFT]))
    await rating.advance(JANUARY_CLOSED)
    of = {"a": {"model": "a"}, "b": {"model": "b"}}
    february = NOON.replace(month=2)
    await rating.send(*(event(f"feb-{n}", "acme", february, of["a"]) for n in range(4)))
    await rating.settled()
    await rating.send(event("unpriced", "acme", february, of["b"]))
    await rating.send(*(event(f"jan-{n}", "acme", NOON, of["a"]) for n in range(3)))
    await rating.metered()
    run = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert [(one["outcome"], one["asked"]) for one in run.json()["corrections"]] == [("note", "5.00")]
    assert await drawn(rating, auditor) == [("acme-1", "2024-01-01", 100), ("acme-1", "2024-02-01", 800)]
