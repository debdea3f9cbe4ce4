"""What comes late for a commitment's own time draws first on the shortfall that was asked for, so that nobody pays twice."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from tests.services.rating.corrections.quarters import (
    Calls,
    Change,
    Quarter,
    asked,
    close,
    come_to_what_they_would_have,
    corrected,
    holds,
)
from tests.services.rating.deployment import Deployment, event, utc, void

OF = "acme-1"


async def a_quarter(rating: Deployment, calls: Sequence[int], **agreed: Any) -> Calls:
    return (await close(rating, Quarter("acme", calls, agreed=agreed)))["acme"]


async def shortfall(rating: Deployment) -> dict[str, str]:
    """Of the block of what was asked for as short: granted, drawn, and what lapsed or is left."""
    found = (await rating.client.get("/v1/blocks", params={"contract": "acme-1"})).json()["data"]
    [one] = [block for block in found if block["kind"] == "shortfall"]
    return {name: one[name] for name in ("granted", "drawn", "expired", "left")}


CASES: list[tuple[Sequence[int], list[Change]]] = [
    ((2, 1, 3), [(1, 2)]),
    ((2, 1, 3), [(3, 2)]),
    ((2, 1, 3), [(2, 3), (3, 2), (1, 1)]),
    ((0, 0, 0), [(1, 12)]),
    ((5, 4, 0), [(1, 1), (2, 1)]),
    ((5, 5, 0), [(1, 1)]),
    ((2, 1, 3), [(1, 2), (1, -1), (3, 3), (2, 4), (1, -2)]),
    ((2, 1, 3), [(1, -2), (2, -1), (3, 9)]),
    ((6, 6, 0), [(1, -3), (2, -2)]),
    ((6, 6, 3), [(1, -4), (1, 5)]),
]


@pytest.mark.parametrize(
    "agreed", [{}, {"overage_percent": "150"}, {"shortfall": "roll_over", "applies_to": ["calls"]}]
)
async def test_what_comes_late_or_is_taken_back_comes_to_what_it_would_have_in_time(
    rating: Deployment, auditor: asyncpg.Connection, agreed: dict[str, Any]
) -> None:
    """Whichever of its periods it is of: what is asked for as short falls or rises with it, or pays it."""
    played = [
        Quarter(f"c{number}", calls, [[change] for change in late], agreed)
        for number, (calls, late) in enumerate(CASES)
    ]
    await come_to_what_they_would_have(rating, auditor, played)


async def test_the_block_of_a_shortfall_says_what_came_late(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """12.00 of 20.00: 8.00 are asked for; two calls of January come late; one is taken back, money first, and so 2.00 more are
    short; then three of March, though the shortfall of its statement stays."""
    await a_quarter(rating, (2, 1, 3))
    assert await shortfall(rating) == {"granted": "8.00", "drawn": "0.00", "expired": "8.00", "left": "0.00"}
    await rating.send(*(event(f"l{n}", "acme", utc("2024-01-20T00:00:00")) for n in range(2)))
    await corrected(rating, OF)
    assert await shortfall(rating) == {"granted": "8.00", "drawn": "4.00", "expired": "4.00", "left": "0.00"}
    await rating.send(void("l0"))
    await corrected(rating, OF)
    assert await shortfall(rating) == {
        "granted": "10.00",
        "drawn": "4.00",
        "expired": "6.00",
        "left": "0.00",
    }
    assert await asked(rating, OF) == 20
    await rating.send(*(event(f"m{n}", "acme", utc("2024-03-20T00:00:00")) for n in range(3)))
    await corrected(rating, OF)
    assert await shortfall(rating) == {
        "granted": "10.00",
        "drawn": "10.00",
        "expired": "0.00",
        "left": "0.00",
    }
    assert await asked(rating, OF) == 20
    await holds(auditor, OF)


async def test_what_is_taken_back_of_the_last_period_makes_the_shortfall_larger(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    calls = await a_quarter(rating, (2, 1, 3))
    await rating.send(*calls.taken_back(3, -1))
    await corrected(rating, OF)
    assert (await asked(rating, OF), (await shortfall(rating))["granted"]) == (Fraction(20), "10.00")
    await rating.send(event("late", "acme", utc("2024-02-20T00:00:00")))
    await corrected(rating, OF)
    assert (await asked(rating, OF), (await shortfall(rating))["drawn"]) == (Fraction(20), "2.00")
    await holds(auditor, OF)


@pytest.mark.parametrize("said", ["none", "roll_over"])
async def test_what_was_not_asked_for_for_good_has_no_block(rating: Deployment, said: str) -> None:
    await a_quarter(rating, (2, 1, 3), shortfall=said)
    found = (await rating.client.get("/v1/blocks", params={"contract": "acme-1"})).json()["data"]
    assert [one["kind"] for one in found] == (["roll_over"] if said == "roll_over" else [])
