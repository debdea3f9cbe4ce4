"""Worked examples of each price model, small enough to check by hand."""

from decimal import Decimal
from typing import Any

import pytest

from shared.pricing import text_of
from shared.pricing.models.matrix import Matrix, NoRateForGroup
from shared.pricing.models.model import ByTotal
from shared.values.groups import Group
from tests.shared.pricing.contracts import chain, price, terms, usage_line


def model(price: dict[str, Any]) -> ByTotal:
    return terms(lines=[usage_line(price)]).usage_lines[0].price


GRADUATED = {
    "model": "graduated",
    "tiers": [
        {"up_to": "10", "unit": "10", "flat": "2"},
        {"up_to": "20", "unit": "5", "flat": "3"},
        {"unit": "1", "flat": "4"},
    ],
}
VOLUME = {
    "model": "volume",
    "tiers": [
        {"up_to": "10", "unit": "3", "flat": "1"},
        {"up_to": "20", "unit": "2"},
        {"unit": "1", "flat": "5"},
    ],
}
RATES = {
    "model": "graduated_percentage",
    "tiers": [
        {"up_to": "10", "rate": "1", "flat": "200"},
        {"up_to": "20", "rate": "2", "flat": "300"},
        {"rate": "3", "flat": "400"},
    ],
}
PACKAGE = {"model": "package", "size": "100", "price": "12000"}
CAPPED = [{"up_to": "10", "unit": "1", "flat": "2", "cap": "9"}, {"unit": "1", "cap": "3"}]


def blocks(charge: str, *tiers: tuple[int, int | None, str]) -> dict[str, Any]:
    written = [
        {"size": size, "price": price, **({} if most is None else {"max": most})}
        for size, most, price in tiers
    ]
    return {"model": "blocks", "charge": charge, "tiers": written}


ONES = ((1, 10, "1"), (1, 50, "10"), (1, 500, "100"))


@pytest.mark.parametrize(
    ("price", "quantity", "cost"),
    [
        ({"model": "per_unit", "unit": "0.00000000000001"}, "1000000000000", "0.01"),
        ({"model": "per_unit", "unit": "1.00"}, "1.995", "1.995"),
        ({"model": "per_unit", "unit": 75}, "0", "0"),
        ({"model": "per_unit", "unit": "3", "per": "1000000"}, "500000.5", "1.5000015"),
        ({"model": "per_unit", "unit": "0.50", "per": "8"}, "3", "0.1875"),
        (
            {"model": "per_unit", "unit": "0.00000000000000000001", "per": "1000000000000000000"},
            "1000000",
            "1E-32",
        ),
        (GRADUATED, "0", "2"),  # the first tier's flat fee is due at zero
        (GRADUATED, "10", "102"),  # the bound belongs to the tier it ends
        (GRADUATED, "10.5", "107.5"),  # half a unit enters the second tier: 102 + 3 + 2.5
        (GRADUATED, "21", "160"),  # 102 + 53 + 4 + 1
        ({**GRADUATED, "flat_at_zero": "none"}, "0", "0"),
        # reaching ten enters the second tier and its flat fee
        (
            {**GRADUATED, "boundary": "lower"},
            "10",
            "105",
        ),
        (VOLUME, "0", "1"),
        (VOLUME, "10", "31"),
        (VOLUME, "10.5", "21"),  # one rate for all, also between whole bounds
        (VOLUME, "20", "40"),
        (VOLUME, "21", "26"),
        ({**VOLUME, "boundary": "lower"}, "10", "20"),
        ({**VOLUME, "flat_at_zero": "none"}, "0", "0"),
        (PACKAGE, "0", "0"),
        (PACKAGE, "100", "12000"),
        (PACKAGE, "100.000000000001", "24000"),  # a started pack is a sold pack
        ({**PACKAGE, "partial_pack": "down"}, "199", "12000"),
        ({"model": "package", "size": "0.25", "price": "1"}, "0.6", "3"),
        ({"model": "flat", "amount": "9"}, "0", "9"),
        ({"model": "flat", "amount": "9"}, "1000", "9"),
        ({"model": "flat", "amount": "9", "when": "used"}, "0", "0"),
        ({"model": "flat", "amount": "9", "when": "used"}, "0.001", "9"),
        ({"model": "percentage", "rate": "2.99"}, "10090", "301.691"),
        ({"model": "percentage", "rate": "0.00000000000000000001"}, "0.000000000001", "1E-34"),
        (RATES, "0", "200"),  # the first tier's flat fee is due at zero
        (RATES, "10", "200.1"),
        (RATES, "11", "500.12"),  # 200 + 0.1 and 300 + 0.02
        (RATES, "21", "900.33"),  # 200.1, 300.2 and 400 + 0.03
        ({**RATES, "flat_at_zero": "none"}, "0", "0"),
        ({**RATES, "boundary": "lower"}, "10", "500.1"),
        ({"model": "graduated", "tiers": [{"unit": "1.0", "cap": "3"}]}, "5", "3"),
        ({"model": "graduated", "tiers": CAPPED}, "6", "8"),
        # 2 + 10 come to 9 at most, what is beyond the tier to 3
        ({"model": "graduated", "tiers": CAPPED}, "12", "11"),
        ({"model": "graduated", "tiers": CAPPED}, "99", "12"),
        ({"model": "volume", "tiers": CAPPED}, "9", "9"),
        ({"model": "volume", "tiers": CAPPED}, "11", "3"),
        (blocks("all_tiers", (100, 10, "1"), (1000, 100, "1")), "5325", "15"),
        (blocks("all_tiers", (100, 10, "1"), (1000, 100, "1")), "0", "0"),
        (blocks("all_tiers", (100, 10, "1"), (1000, 100, "1")), "0.5", "1"),
        (blocks("all_tiers", (100, 10, "1"), (1000, 1, "1")), "9000", "18"),  # the last goes on
        (blocks("top_tier", (100, 10, "1"), (1000, 100, "1"), (1000, 100, "0.5")), "101000", "101"),
        (blocks("top_tier", (100, 10, "1"), (1000, 100, "1"), (1000, 100, "0.5")), "101001", "51"),
        (blocks("all_tiers", *ONES), "75", "2010"),
        (blocks("top_tier", *ONES), "76", "7600"),
        (blocks("all_tiers", (1, 100, "2"), (1, None, "20")), "101", "220"),
        (blocks("top_tier", (1, 100, "2"), (1, None, "20")), "101", "2020"),
        (blocks("top_tier", (1, 100, "2"), (1, None, "20")), "0", "0"),
    ],
)
def test_a_quantity_costs(price: dict[str, Any], quantity: str, cost: str) -> None:
    priced = model(price)
    assert priced.cost(Decimal(quantity)) == Decimal(cost)
    assert sum(part.amount for part in priced.parts(Decimal(quantity))) == Decimal(cost)


MATRIX = {
    "model": "matrix",
    "dimensions": ["region", "gpu"],
    "rates": [
        {"region": "eu", "unit": "3"},
        {"region": "eu", "gpu": "h200", "unit": "5"},
        {"gpu": "h200", "unit": "4"},
        {"unit": "1"},
    ],
}


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ({"region": "eu", "gpu": "h200"}, 5),
        ({"region": "eu", "gpu": "a100"}, 3),
        ({"region": "us", "gpu": "h200"}, 4),
        ({"region": "us"}, 1),
        ({}, 1),
    ],
)
def test_the_most_specific_row_of_a_matrix_wins(group: dict[str, str], unit: int) -> None:
    key: Group = tuple(sorted(group.items()))
    assert model(MATRIX).for_group(key).cost(Decimal(1)) == unit


def test_among_equally_specific_rows_the_first_written_wins() -> None:
    rows = [{"region": "eu", "unit": "3"}, {"gpu": "h200", "unit": "4"}]
    price = model({**MATRIX, "rates": rows})
    assert price.for_group((("gpu", "h200"), ("region", "eu"))).cost(Decimal(1)) == 3
    assert isinstance(price, Matrix) and price.dimensions == ("gpu", "region")


def test_a_group_without_a_rate_is_named() -> None:
    price = model({**MATRIX, "rates": [{"region": "eu", "unit": "3"}]})
    with pytest.raises(NoRateForGroup, match="gpu=a100, region=us"):
        price.for_group((("gpu", "a100"), ("region", "us")))


def test_a_list_of_values_is_a_row_for_each() -> None:
    rows = [
        {"region": ["eu", "ch"], "gpu": ["h200", "h100"], "unit": "5"},
        {"region": "eu", "unit": "3"},
        {"region": ["us", "eu"], "unit": "2"},
        {"unit": "1"},
    ]
    price = model({**MATRIX, "rates": rows})
    costs = {
        (region, gpu): int(price.for_group((("gpu", gpu), ("region", region))).cost(Decimal(1)))
        for region in ("eu", "ch", "us", "ap")
        for gpu in ("h100", "a100")
    }
    assert costs == {
        ("eu", "h100"): 5,
        ("eu", "a100"): 3,
        ("ch", "h100"): 5,
        ("ch", "a100"): 1,
        ("us", "h100"): 2,
        ("us", "a100"): 2,
        ("ap", "h100"): 1,
        ("ap", "a100"): 1,
    }
    named = {value for dimension, value in price.named_values if dimension == "region"}
    assert named == {"eu", "ch", "us"}


def test_usage_that_terms_leave_unpriced_is_stated_draws_no_allowance_and_costs_nothing() -> None:
    line = usage_line(
        {
            "model": "matrix",
            "dimensions": ["region"],
            "rates": [{"region": "eu", "unit": "2"}],
            "unmatched": "leave",
        },
        included="10",
    )
    used: dict[Group, Decimal] = {(("region", "eu"),): Decimal(50), (("region", "us"),): Decimal(7)}
    priced = price(chain(terms(lines=[line])), used)
    (settled,) = priced.lines
    assert (settled.quantity, settled.amount_minor) == (Decimal(57), 8000)
    said = {
        one.group["region"]: tuple(map(int, (one.allowance, one.priced, one.unpriced)))
        for one in settled.segments
    }
    assert said == {"eu": (10, 40, 0), "us": (0, 0, 7)}
    words = [text_of(step) for step in priced.steps]
    assert "7 left unpriced, as no rate of the terms is theirs" in words
    held = terms(lines=[usage_line({**line["price"], "unmatched": "hold"})]).lines[0]
    assert held.hash == terms(lines=[usage_line({**line["price"], "unmatched": "hold"})]).lines[0].hash
    without = {name: value for name, value in line["price"].items() if name != "unmatched"}
    assert held.hash == terms(lines=[usage_line(without)]).lines[0].hash


def test_a_row_that_an_amendment_brings_prices_what_was_left_from_then_on() -> None:
    rates = {
        "model": "matrix",
        "dimensions": ["region"],
        "rates": [{"region": "eu", "unit": "2"}],
        "unmatched": "leave",
    }
    more = {**rates, "rates": [*rates["rates"], {"region": "us", "unit": "3"}]}
    both: dict[Group, Decimal] = {(("region", "eu"),): Decimal(1), (("region", "us"),): Decimal(1)}
    for old, new, cents in ((rates, more, 200 + 500), (more, rates, 500 + 200)):
        versions = chain(
            terms(lines=[usage_line(old)]), terms(lines=[usage_line(new)], effective="2026-01-16")
        )
        (settled,) = price(versions, both, both).lines
        assert settled.amount_minor == cents
        assert sum(one.unpriced for one in settled.segments) == 1
        assert all(one.quantity == one.allowance + one.priced + one.unpriced for one in settled.segments)
