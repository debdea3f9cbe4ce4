"""What holds for every price, quantity and amendment."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import Group, price_period
from shared.pricing.models.model import ByTotal
from shared.values.money import allocate
from tests.shared.pricing.contracts import JANUARY, chain, price, terms, usage_line, usage_of
from tests.shared.pricing.prices import MODELS, PRICES, tiers

quantities = st.decimals(min_value=0, max_value=10_000, places=3)
by_model = pytest.mark.parametrize("name", sorted(PRICES))
prices = st.one_of(*PRICES.values())


def model(written: dict[str, Any]) -> ByTotal:
    return terms(lines=[usage_line(written)]).usage_lines[0].price


lasting_prices = prices.filter(lambda written: not model(written).must_restart)


@by_model
def test_every_model_says_an_example_of_itself(name: str) -> None:
    assert type(model(dict(MODELS[name].example))) is MODELS[name]


@by_model
@given(data=st.data(), quantity=quantities)
def test_the_parts_sum_to_the_cost(name: str, data: st.DataObject, quantity: Decimal) -> None:
    priced = model(data.draw(PRICES[name]))
    assert sum(part.amount for part in priced.parts(quantity)) == priced.cost(quantity) >= 0


@pytest.mark.parametrize("name", sorted(PRICES.keys() - {"volume"}))
@given(data=st.data(), one=quantities, other=quantities)
def test_more_units_never_cost_less_except_by_volume_and_in_blocks_of_the_top_tier(
    name: str, data: st.DataObject, one: Decimal, other: Decimal
) -> None:
    written = data.draw(PRICES[name].filter(lambda written: written.get("charge") != "top_tier"))
    priced, (less, more) = model(written), sorted((one, other))
    assert priced.cost(less) <= priced.cost(more)


@given(rows=tiers(), quantity=quantities, step=quantities)
def test_graduated_tiers_are_continuous_between_flat_fees(
    rows: list[dict[str, str]], quantity: Decimal, step: Decimal
) -> None:
    """Without flat fees the next units cost between the cheapest and the dearest rate: no jump at any
    bound."""
    priced = model({"model": "graduated", "tiers": [{**row, "flat": "0"} for row in rows]})
    rates = [Decimal(row["unit"]) for row in rows]
    difference = priced.cost(quantity + step) - priced.cost(quantity)
    assert min(rates) * step <= difference <= max(rates) * step


@given(rows=tiers(), quantity=quantities)
def test_graduated_is_the_sum_of_its_tiers(rows: list[dict[str, str]], quantity: Decimal) -> None:
    lower, expected = Decimal(0), Decimal(0)
    for index, row in enumerate(rows):
        upper = Decimal(row.get("up_to", "1000000"))
        if index == 0 or quantity > lower:
            expected += (min(quantity, upper) - lower) * Decimal(row["unit"]) + Decimal(row["flat"])
        lower = upper
    assert model({"model": "graduated", "tiers": rows}).cost(quantity) == expected


@given(rows=tiers(), quantity=quantities)
def test_volume_prices_every_unit_at_one_rate(rows: list[dict[str, str]], quantity: Decimal) -> None:
    tier = next(row for row in rows if "up_to" not in row or quantity <= Decimal(row["up_to"]))
    assert model({"model": "volume", "tiers": rows}).cost(quantity) == quantity * Decimal(
        tier["unit"]
    ) + Decimal(tier["flat"])


lines = st.fixed_dictionaries(
    {"included": st.integers(0, 500), "on_change": st.sampled_from(["run_through", "restart"])}
)


@given(old=prices, new=prices, before=quantities, after=quantities, line=lines)
def test_the_explanation_sums_to_the_charge(
    old: dict[str, Any], new: dict[str, Any], before: Decimal, after: Decimal, line: dict[str, Any]
) -> None:
    minimum = [{"from": "2026-01-01", "minimum_spend": "100"}]
    fee = {"key": "fee", "kind": "recurring", "amount": "33.33"}
    signed = terms(lines=[usage_line(old, **line), fee], phases=minimum)
    versions = chain(signed, terms(lines=[usage_line(new, **line)], phases=minimum, effective="2026-01-20"))
    counted = [str(before)] if model(old).hash == model(new).hash else [str(before), str(after)]
    priced = price(versions, *counted)
    assert sum(step.amount or 0 for step in priced.steps) == Decimal(priced.subtotal_minor) / 100
    usage = next(entry for entry in priced.lines if entry.kind == "usage")
    assert usage.quantity == sum(segment.quantity for segment in usage.segments) == sum(map(Decimal, counted))
    assert all(segment.quantity == segment.allowance + segment.priced for segment in usage.segments)
    assert priced.subtotal_minor == sum(entry.amount_minor for entry in priced.lines)
    assert priced.subtotal_minor >= 10000


@given(
    written=lasting_prices,
    before=quantities,
    after=quantities,
    included=st.integers(0, 500),
)
def test_running_through_an_amendment_that_keeps_the_price_is_no_change(
    written: dict[str, Any],
    before: Decimal,
    after: Decimal,
    included: int,
) -> None:
    signed = terms(lines=[usage_line(written, included=included)])
    renamed = terms(
        lines=[usage_line(written, included=included, description="another clause at the same price")],
        effective="2026-01-20",
    )
    whole, split = (
        price(chain(signed), str(before + after)),
        price(chain(signed, renamed), str(before), str(after)),
    )
    assert whole.subtotal_minor == split.subtotal_minor


flights = st.dictionaries(st.sampled_from(["JFK", "LGA", "EWR", "BOS"]), quantities, min_size=1)


@given(flown=flights, shuffled=st.randoms(), included=st.integers(0, 9000))
def test_the_order_of_usage_never_changes_a_charge(
    flown: dict[str, Decimal], shuffled: Any, included: int
) -> None:
    rates = [{"origin": "JFK", "unit": "160"}, {"origin": "LGA", "unit": "170.005"}, {"unit": "150"}]
    versions = chain(
        terms(
            lines=[
                usage_line({"model": "matrix", "dimensions": ["origin"], "rates": rates}, included=included)
            ]
        )
    )
    groups: dict[Group, Decimal] = {(("origin", origin),): quantity for origin, quantity in flown.items()}
    reordered = list(groups.items())
    shuffled.shuffle(reordered)
    assert price(versions, groups) == price(versions, dict(reordered))


@given(written=prices, quantity=quantities)
def test_explaining_changes_no_figure(written: dict[str, Any], quantity: Decimal) -> None:
    versions = chain(terms(lines=[usage_line(written)]))
    usage = usage_of(versions, str(quantity))
    silent, told = (
        price_period(versions, JANUARY, usage),
        price_period(versions, JANUARY, usage, explain=True),
    )
    assert (
        (silent.lines, silent.subtotal_minor) == (told.lines, told.subtotal_minor)
        and not silent.steps
        and told.steps
    )


weights = st.lists(
    st.one_of(st.integers(0, 10**9), st.decimals(min_value=0, max_value=10**6, places=4)),
    min_size=1,
    max_size=30,
)


@given(minor=st.integers(-(10**15), 10**15), shares=weights.filter(any))
def test_an_allocation_keeps_its_sum_and_stays_within_a_unit_of_the_exact_share(
    minor: int, shares: list[Any]
) -> None:
    parts, total = allocate(minor, shares), sum(map(Decimal, shares))
    assert sum(parts) == minor
    assert all(
        abs(Decimal(part) - Decimal(minor) * Decimal(weight) / total) < 1
        for part, weight in zip(parts, shares, strict=True)
    )


@given(minor=st.integers(0, 10**9), shares=weights.filter(any))
def test_an_allocation_of_a_negative_amount_mirrors_the_positive(minor: int, shares: list[Any]) -> None:
    mirror: Callable[[list[int]], list[int]] = lambda parts: [-part for part in parts]  # noqa: E731
    assert allocate(-minor, shares) == mirror(allocate(minor, shares))
