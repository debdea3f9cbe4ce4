"""What lapses of a block that no document asked for was never owed: it is no revenue, and K5 names books where it is."""

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_liability import liability
from services.rating import snapshots
from services.rating.blocks.domain.lapsed import Lapsed
from shared.db.published import until_published
from shared.db.unit_of_work import Database
from shared.runtime.retelling import retell
from shared.topics.rating import BLOCK_ROWS, STATEMENTS
from tests.services.billing.hearing import Hearing
from tests.services.rating.deployment import Deployment, event, terms, utc

NEVER_ASKED = import_module("services.rating.migrations.versions.0049_never_asked")
PAID = {
    "kind": "prepaid",
    "amount": "10.00",
    "currency": "USD",
    "effective": "2024-04-10",
    "expires": "2024-04-20",
    "reason": "for the next term",
}
POSTED = """select e.event, -sum(p.amount_minor)::bigint as minor from billing.journal_entries e
    join billing.journal_postings p using (entry_id) where p.account = 'credits_liability' group by 1 order by 1"""
AS_BEFORE = """update rating.block_rows set unasked_minor = null where kind in ('expiry', 'revived')"""


@pytest.fixture
async def billing(rating: Deployment) -> AsyncIterator[Hearing]:
    db = Database(rating.database.url("billing"), "billing")
    await db.open()
    yield Hearing(db, rating.context.bus)
    await db.close()


async def no_next_term(rating: Deployment, *others: str) -> str:
    """A block for a time that never comes for the contract that it is asked of: its term is not renewed. Return its id."""
    await rating.customer("acme")
    await rating.meter("calls")
    of = ("acme-1", *others)
    term: dict[str, Any] = {"term": {"start": "2024-01-01", "months": 3}}
    await rating.apply(terms("acme-1", "acme", **term, renewal={"auto": True}, shares_meters=["calls"]))
    for name in others:
        await rating.apply(terms(name, "acme", shares_meters=["calls"]))
    answer = await rating.client.post("/v1/blocks", json={**PAID, "customer": "acme", "contracts": of})
    assert answer.status_code == 201, answer.text
    ends = terms("acme-1", "acme", **term, renewal={"auto": False}, shares_meters=["calls"])
    await rating.apply({**ends, "effective": "2024-02-01"})
    return str(answer.json()["id"])


async def breaks(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection
) -> list[tuple[str, str, str]]:
    for topic in (STATEMENTS, BLOCK_ROWS):
        await until_published(rating.context.db, topic.name)
    await billing.catch_up(utc("2024-06-04T00:00:00"))
    found = (await liability(auditor, None, drained=True)).breaks
    return [(one.fault, one.expected, one.found) for one in found]


async def test_what_was_never_asked_for_lapses_as_nothing(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection
) -> None:
    block = await no_next_term(rating)
    await rating.advance(utc("2024-06-04T00:00:00"))
    found = (await rating.client.get(f"/v1/blocks/{block}")).json()
    assert (found["expired"], found["left"]) == ("10.00", "0.00")
    assert await breaks(rating, billing, auditor) == []
    assert await auditor.fetch(POSTED) == []


async def test_books_where_it_became_revenue_are_named_and_mended(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection
) -> None:
    """As it was posted before: all 10.00 as revenue, though nobody was asked for them. What was posted stays; it is taken
    back by an entry beside it, once."""
    block = await no_next_term(rating)
    await rating.advance(utc("2024-06-04T00:00:00"))
    pool = rating.context.db.pool
    await pool.execute(AS_BEFORE)
    await pool.execute("delete from rating.retold where topic = $1", BLOCK_ROWS.name)
    await retell(rating.context.db, snapshots.SNAPSHOTS)
    assert await breaks(rating, billing, auditor) == [("block_owed_differs", "0", "-1000")], block
    before = [tuple(row) for row in await auditor.fetch(POSTED)]
    for _ in range(2):
        await pool.execute(NEVER_ASKED.MEND)
        await pool.execute(NEVER_ASKED.AGAIN)
        await retell(rating.context.db, snapshots.SNAPSHOTS)
        assert await breaks(rating, billing, auditor) == []
        (back,) = {tuple(row) for row in await auditor.fetch(POSTED)} - set(before)
        assert back[0].startswith("revived:") and [minor for _, minor in before] == [-back[1]]


async def test_what_was_used_and_never_asked_for_is_named(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection
) -> None:
    """Another contract draws 4.00 of it; the other 6.00 lapse as nothing, and who should have paid the 4.00 is asked."""
    await no_next_term(rating, "acme-2")
    await rating.send(*(event(f"e{n}", "acme", utc("2024-04-12T00:00:00")) for n in range(2)))
    await rating.settled()
    await rating.advance(utc("2024-06-04T00:00:00"))
    assert await breaks(rating, billing, auditor) == [("block_owed_differs", "0", "-400")]
    assert [tuple(row) for row in await auditor.fetch(POSTED)] == [("finalized", -400)]


async def test_what_nobody_was_asked_for_pays_nothing_once_it_is_voided(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection
) -> None:
    """Another contract's draft drew 4.00 of it before the void: they are asked for as usage, as nobody is asked for the
    block."""
    block = await no_next_term(rating, "acme-2")
    await rating.send(*(event(f"e{n}", "acme", utc("2024-04-12T00:00:00")) for n in range(2)))
    await rating.settled()
    await rating.advance(utc("2024-04-15T00:00:00"), test_clock=True)
    assert (await rating.client.get(f"/v1/blocks/{block}")).json()["drawn"] == "4.00"
    answer = await rating.client.post(f"/v1/blocks/{block}/void", json={"reason": "a mistake"})
    assert answer.status_code == 200, answer.text
    await rating.settled()
    await rating.advance(utc("2024-06-04T00:00:00"))
    found = (await rating.client.get(f"/v1/blocks/{block}")).json()
    assert (found["drawn"], found["left"]) == ("0.00", "0.00")
    statement = await rating.stored("acme-2", "2024-04-01")
    assert (statement.document_minor, statement.drawn_minor) == (400, 0)
    assert await breaks(rating, billing, auditor) == []
    assert await auditor.fetch(POSTED) == []


@pytest.mark.parametrize(
    ("granted", "asked", "steps"),
    [
        (12, 8, [(-3, "draw"), (9, 4), (-2, 0), (-4, 1)]),
        (12, 8, [(-10, "draw"), (2, 2), (-1, 1)]),
        (12, 12, [(-3, "draw"), (9, 0), (-2, 0)]),
        (12, 0, [(12, 12), (-5, 5), (1, 1)]),
    ],
)
def test_what_was_drawn_was_asked_for_first(granted: int, asked: int, steps: list[tuple[int, Any]]) -> None:
    """What lapses (or, below zero, late usage takes back), and what of it was not asked for. What has lapsed of what was is
    never more than what was asked for and not drawn."""
    drawn, minor, of_unasked = 0, 0, 0
    for by, expected in steps:
        lapsed = Lapsed(granted - asked, minor, of_unasked)
        if expected == "draw":
            drawn += -by
            continue
        unasked = lapsed.of_expiry(by) if by > 0 else -lapsed.of_revived(-by)
        assert abs(unasked) == expected
        minor, of_unasked, drawn = minor + by, of_unasked + unasked, drawn - min(by, 0)
        if granted - drawn == minor:
            assert minor - of_unasked == max(asked - drawn, 0)
