"""Units below zero: carried, lost, or credited, by what the line says."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import Balances, PricedPeriod, UnitsBelowZero, price_period, text_of
from shared.pricing.balances import UnitsHandedOn
from tests.shared.pricing.contracts import JANUARY, chain, terms, usage_line, usage_of

TIERS = {"model": "graduated", "tiers": [{"up_to": "10", "unit": "2"}, {"unit": "1"}]}
FEE = {"model": "flat", "amount": "9", "when": "always"}


def told(line: dict[str, Any], *used: int, opening: Balances | None = None, **over: Any) -> PricedPeriod:
    """A January with this line; a second number is used from the 16th on, when its description changes."""
    versions = chain(
        terms(lines=[line], **over),
        *([terms(lines=[{**line, "description": "anew"}], effective="2026-01-16")] if len(used) > 1 else []),
    )
    usage = usage_of(versions, *map(str, used))
    return price_period(versions, JANUARY, usage, opening or Balances(), explain=True)


@pytest.mark.parametrize(
    ("negative", "price", "used", "amount", "carried"),
    [
        ("carry", TIERS, -12, 0, -12),
        ("zero", TIERS, -12, 0, 0),
        ("credit", TIERS, -12, -2200, 0),
        ("credit", TIERS, 12, 2200, 0),
        ("credit", FEE, -3, 900, 0),
        ("credit", {"model": "package", "size": "10", "price": "5"}, -11, -1000, 0),
    ],
)
def test_what_becomes_of_units_below_zero(
    negative: str, price: dict[str, Any], used: int, amount: int, carried: int
) -> None:
    found = told(usage_line(included=None, price=price, negative=negative), used)
    assert found.subtotal_minor == amount
    assert [row.units for row in found.closing.below_zero] == ([carried] if carried else [])
    (segment,) = found.lines[0].segments
    assert segment.quantity == segment.allowance + segment.priced


def test_what_is_credited_is_told() -> None:
    found = told(usage_line(included=None, price=TIERS, negative="credit"), -12)
    assert [text_of(step) for step in found.steps][1:3] == [
        "less up to 10: 10 at 2, as units below zero",
        "less beyond: 2 at 1, as units below zero",
    ]


def test_nothing_that_was_dealt_with_counts_where_tiers_begin_anew() -> None:
    """12 are credited, or lost, in the first part; 5 are charged in the second."""
    line = usage_line(included=None, price=TIERS, on_change="restart")
    assert told({**line, "negative": "credit"}, -12, 5).subtotal_minor == -2200 + 1000
    assert told({**line, "negative": "zero"}, -12, 5).subtotal_minor == 1000
    assert told(line, -12, 5).closing.below_zero == (UnitsBelowZero("api", (), Decimal(-7)),)


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=2),
    st.integers(-9, 0),
    st.integers(-9, 9),
    st.sampled_from(["run_through", "restart"]),
    st.sampled_from([None, "4"]),
)
def test_what_is_credited_is_what_as_many_would_cost(
    used: list[int], carried: int, handed_on: int, on_change: str, included: str | None
) -> None:
    opening = Balances(
        below_zero=(UnitsBelowZero("api", (), Decimal(carried)),),
        handed_on=(UnitsHandedOn("api", (), Decimal(handed_on)),),
    )
    line = usage_line(included=included, price=TIERS, negative="credit", on_change=on_change)
    found = told(line, *used, opening=opening)
    first = used[0] + carried + handed_on
    counts = [first, used[1]] if on_change == "restart" and len(used) > 1 else [first + sum(used[1:])]

    def cost(units: int) -> Fraction:
        priced = units if units < 0 else max(units - int(included or 0), 0)
        worth = Fraction(min(abs(priced), 10) * 2 + max(abs(priced) - 10, 0))
        return -worth if priced < 0 else worth

    assert found.subtotal_minor == sum(map(cost, counts)) * 100
    assert not found.closing.below_zero
    assert sum((step.amount or 0 for step in found.steps), Decimal(0)) * 100 == found.subtotal_minor
    for segment in found.lines[0].segments:
        assert segment.quantity == segment.allowance + segment.priced
