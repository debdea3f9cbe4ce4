"""What comes late for a commitment's own time draws first on the shortfall that was asked for, so that nobody pays twice."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from shared.topics.rating import STATEMENTS
from tests.services.rating.deployment import Deployment, event, terms, utc, void

PROMISE = {"key": "promise", "amount": "20.00", "period": {"months": 3}}
PRICE = 2


async def a_quarter(rating: Deployment, calls: Sequence[int], **promise: Any) -> None:
    """Three months with so many calls at 2.00, then closed: the promise of 20.00 ends with March."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", commitments=[{**PROMISE, **promise}]))
    for month, count in enumerate(calls, 1):
        at = utc(f"2024-0{month}-10T12:00:00")
        await rating.send(*(event(f"e{month}-{n}", "acme", at) for n in range(count)))
    await rating.settled()
    await rating.advance(utc("2024-04-04T00:00:00"))


async def corrected(rating: Deployment) -> None:
    await rating.settled()
    answer = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert answer.status_code == 200, answer.text


async def asked(rating: Deployment) -> Fraction:
    """What all documents of the contract ask for in money."""
    rows = await rating.context.db.pool.fetch(
        """select said from rating.statements s join rating.periods p using (contract, period_start) where p.final
           union all select said from rating.corrections where outcome = 'note'"""
    )
    said = [STATEMENTS.decode(row["said"].encode()) for row in rows]
    return sum((Fraction(one.document_minor - one.drawn_minor, 100) for one in said), Fraction(0))


async def shortfall(rating: Deployment) -> dict[str, str]:
    """Of the block of what was asked for as short: granted, drawn, and what lapsed or is left."""
    found = (await rating.client.get("/v1/blocks", params={"contract": "acme-1"})).json()["data"]
    [one] = [block for block in found if block["kind"] == "shortfall"]
    return {name: one[name] for name in ("granted", "drawn", "expired", "left")}


async def holds(auditor: asyncpg.Connection) -> None:
    periods = [("acme-1", utc(f"2024-0{month}-01T00:00:00")) for month in (1, 2, 3)]
    assert (await draws_of(auditor, periods)).breaks == ()
    assert (await blocks(auditor, None, drained=False)).breaks == ()


def oracle(calls: Sequence[int], late: Sequence[tuple[int, int]]) -> Fraction:
    """What is paid in all: the usage, and at least what was promised; what comes late draws on the shortfall that was asked
    for, run by run, and costs its price beyond it."""
    promised, used = Fraction(20), Fraction(sum(calls) * PRICE)
    left = max(promised - used, Fraction(0))
    paid = used + left
    for _, count in late:
        cost = Fraction(count * PRICE)
        drawn = min(cost, left)
        left -= drawn
        paid += cost - drawn
    return paid


@pytest.mark.parametrize(
    ("calls", "late"),
    [
        ((2, 1, 3), [(1, 2)]),
        ((2, 1, 3), [(3, 2)]),
        ((2, 1, 3), [(2, 3), (3, 2), (1, 1)]),
        ((0, 0, 0), [(1, 12)]),
        ((5, 4, 0), [(1, 1), (2, 1)]),
        ((5, 5, 0), [(1, 1)]),
    ],
)
async def test_what_comes_late_is_set_off_against_the_shortfall(
    rating: Deployment, auditor: asyncpg.Connection, calls: Sequence[int], late: Sequence[tuple[int, int]]
) -> None:
    await a_quarter(rating, calls)
    assert await asked(rating) == oracle(calls, [])
    for run, (month, count) in enumerate(late):
        at = utc(f"2024-0{month}-20T12:00:00")
        await rating.send(*(event(f"late-{run}-{n}", "acme", at) for n in range(count)))
        await corrected(rating)
        assert await asked(rating) == oracle(calls, late[: run + 1]), run
        await holds(auditor)


async def test_the_block_of_a_shortfall_says_what_came_late(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """12.00 of 20.00: 8.00 are asked for; two calls of January come late; one is taken back, money first; then two of
    March, though the shortfall of its statement stays."""
    await a_quarter(rating, (2, 1, 3))
    assert await shortfall(rating) == {"granted": "8.00", "drawn": "0.00", "expired": "8.00", "left": "0.00"}
    await rating.send(*(event(f"l{n}", "acme", utc("2024-01-20T00:00:00")) for n in range(2)))
    await corrected(rating)
    assert await shortfall(rating) == {"granted": "8.00", "drawn": "4.00", "expired": "4.00", "left": "0.00"}
    await rating.send(void("l0"))
    await corrected(rating)
    assert await shortfall(rating) == {"granted": "8.00", "drawn": "4.00", "expired": "4.00", "left": "0.00"}
    assert await asked(rating) == 18, "what was asked for in money is given back first"
    await rating.send(*(event(f"m{n}", "acme", utc("2024-03-20T00:00:00")) for n in range(3)))
    await corrected(rating)
    assert await shortfall(rating) == {"granted": "8.00", "drawn": "8.00", "expired": "0.00", "left": "0.00"}
    assert await asked(rating) == 20
    await holds(auditor)


async def test_what_is_taken_back_of_the_last_period_makes_the_shortfall_larger(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await a_quarter(rating, (2, 1, 3))
    await rating.send(void("e3-0"))
    await corrected(rating)
    assert (await asked(rating), (await shortfall(rating))["granted"]) == (Fraction(20), "10.00")
    await rating.send(event("late", "acme", utc("2024-02-20T00:00:00")))
    await corrected(rating)
    assert (await asked(rating), (await shortfall(rating))["drawn"]) == (Fraction(20), "2.00")
    await holds(auditor)


@pytest.mark.parametrize("said", ["none", "roll_over"])
async def test_what_was_not_asked_for_for_good_has_no_block(rating: Deployment, said: str) -> None:
    await a_quarter(rating, (2, 1, 3), shortfall=said)
    found = (await rating.client.get("/v1/blocks", params={"contract": "acme-1"})).json()["data"]
    assert [one["kind"] for one in found] == (["roll_over"] if said == "roll_over" else [])
