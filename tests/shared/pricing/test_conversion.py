"""Units that a line converts, amounts that it rounds by itself, and tiers picked by what there was before proration."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import Group, PricedPeriod, TermsInvalid, price_period, text_of
from shared.pricing.language import content_hash
from shared.values.decimals import EXACT
from tests.shared.pricing.contracts import JANUARY, amounts, chain, price, terms, usage_line, usage_of

UP = {"mode": "up", "scale": 0}
THOUSANDS = {"divide": "1000", "round": UP}
TEN = {"model": "per_unit", "unit": "10"}


def line(convert: Any = THOUSANDS, price: Any = TEN, **over: Any) -> dict[str, Any]:
    return usage_line(price, convert=convert, **over)


def words(priced: PricedPeriod) -> list[str]:
    return [text_of(step) for step in priced.steps]


def faults(**over: Any) -> dict[str, str]:
    with pytest.raises(TermsInvalid) as refused:
        terms(**over)
    return {error["path"]: error["code"] for error in refused.value.errors}


@pytest.mark.parametrize(
    ("convert", "used", "units"),
    [
        (THOUSANDS, "1400", "2"),
        ({"multiply": "1.2"}, "10", "12"),
        ({"divide": "1000", "round": {"mode": "floor", "scale": 0}}, "1900", "1"),
        ({"divide": "1000", "round": {"scale": 0}}, "1500", "2"),
        ({"divide": "7"}, "1", "0.142857142857"),
        ({"divide": "7", "round": {"scale": 12}}, "1", "0.142857142857"),
        ({"multiply": "0.00000000000049"}, "1", "0"),
        ({"multiply": "0.0000000000005"}, "1", "0.000000000001"),
    ],
)
def test_units_are_converted_and_rounded(convert: Any, used: str, units: str) -> None:
    (segment,) = price(chain(terms(lines=[line(convert)])), used).lines[0].segments
    assert (segment.quantity, segment.priced, segment.units) == (
        Decimal(used),
        Decimal(units),
        Decimal(units),
    )


def test_the_allowance_and_units_off_come_off_what_was_converted() -> None:
    """ceil(1.4) − 0.5, not ceil(1.4 − 0.5)."""
    off = [{"key": "half", "units": "0.5", "applies_to": ["api"]}]
    assert amounts(price(chain(terms(lines=[line()], discounts=off)), "1400")) == {"api": 1500}
    priced = price(chain(terms(lines=[line(included="1.5")])), "1400")
    assert amounts(priced) == {"api": 500}
    assert words(priced) == [
        "calls: 1400 under version 1",
        "1400 ÷ 1000: 2",
        "2 used, 1.5 included or carried",
        "0.5 at 10",
        "5 rounded half up to 5.00 USD",
    ]


def test_it_is_the_sum_of_the_period_that_is_rounded_whatever_cuts_it() -> None:
    """Two halves of 700 are two thousands begun, not one each."""
    renamed = terms(lines=[line(description="Calls")], effective="2026-01-12")
    priced = price(chain(terms(lines=[line()]), renamed), "700", "700")
    assert amounts(priced) == {"api": 2000} and priced.lines[0].quantity == 1400
    assert [one.units for one in priced.lines[0].segments] == [1, 1]
    assert "1400 ÷ 1000, of which 700 were converted before: 1" in words(priced)
    anew = terms(lines=[line(on_change="restart")], effective="2026-01-12")
    assert amounts(price(chain(terms(lines=[line()]), anew), "1200", "300")) == {"api": 3000}


def test_what_is_below_zero_is_carried_as_it_was_counted_and_roll_over_as_it_was_converted() -> None:
    versions = chain(terms(lines=[line(included={"units": "3", "roll_over": True})]))
    below = price(versions, "-500")
    (row,) = below.closing.below_zero
    assert row.units == -500 and below.closing.rolled_over[0].units == 3
    following = price_period(versions, JANUARY, usage_of(versions, "8200"), below.closing, explain=True)
    (segment,) = following.lines[0].segments
    assert segment.priced == 2 and segment.allowance == 7, (
        "8 begun of 7700, less 3, the 3 of before and the one carried"
    )


def test_groups_are_converted_by_themselves() -> None:
    matrix = {"model": "matrix", "dimensions": ["region"], "rates": [{"unit": "1"}]}
    of: dict[Group, Decimal] = {
        (("region", name),): Decimal(units) for name, units in (("eu", 1), ("us", 1001))
    }
    assert amounts(price(chain(terms(lines=[line(price=matrix)])), of)) == {"api": 300}
    left = {**matrix, "rates": [{"region": "us", "unit": "1"}], "unmatched": "leave"}
    priced = price(chain(terms(lines=[line(price=left)])), of)
    assert [str(one.units) for one in priced.lines[0].segments] == ["2", "1"]
    assert [str(one.unpriced) for one in priced.lines[0].segments] == ["0", "1"]


@pytest.mark.parametrize(
    ("convert", "path", "code"),
    [
        ({}, "convert.multiply", "missing"),
        ({"multiply": "1", "divide": "1"}, "convert.multiply", "more_than_one_measure"),
        ({"divide": "0"}, "convert.divide", "not_positive"),
        ({"divide": "10", "round": {"scale": 13}}, "convert.round.scale", "less_than_equal"),
        ({"divide": 0.5}, "convert.divide", "float_refused"),
    ],
)
def test_faults_of_a_conversion(convert: Any, path: str, code: str) -> None:
    assert faults(lines=[line(convert)]) == {f"lines[0].{path}": code}


modes = st.sampled_from(["up", "down", "half_up", "floor", "ceiling"])


@given(
    used=st.lists(st.decimals(-50, 5000, places=2), min_size=2, max_size=2),
    divide=st.integers(1, 700),
    mode=modes,
    included=st.integers(0, 30),
)
def test_what_is_priced_is_what_an_oracle_in_fractions_converts(
    used: list[Decimal], divide: int, mode: str, included: int
) -> None:
    written = {"divide": str(divide), "round": {"mode": mode, "scale": 0}}
    versions = chain(
        terms(lines=[line(written, included=str(included))]),
        terms(lines=[line(written, included=str(included), description="x")], effective="2026-01-12"),
    )
    priced = price(versions, *map(str, used))
    total = _whole(Fraction(sum(used)) / divide, mode)
    assert amounts(priced)["api"] == 1000 * max(max(total, 0) - included, 0)
    with localcontext(EXACT):
        assert sum(one.units for one in priced.lines[0].segments) == total
        assert sum(one.quantity for one in priced.lines[0].segments) == sum(used)


def _whole(exact: Fraction, mode: str) -> int:
    if mode == "half_up":
        return floor(exact + Fraction(1, 2)) if exact >= 0 else ceil(exact - Fraction(1, 2))
    up = mode == "ceiling" or ((mode == "up") == (exact > 0) and mode in ("up", "down"))
    return ceil(exact) if up else floor(exact)


@pytest.mark.parametrize(
    ("rounding", "used", "cents"),
    [
        ({"step": "0.05"}, "10.575", 1060),
        ({"step": "0.05", "mode": "down"}, "10.599", 1055),
        ({"scale": 0}, "10.5", 1100),
        ({"scale": 0, "mode": "half_even"}, "10.5", 1000),
        ({"scale": 2, "mode": "up"}, "10.001", 1001),
        ({"step": "0.03"}, "0.045", 6),
        ({"step": "25"}, "12.5", 2500),
        ({"step": "25"}, "-1", 0),
    ],
)
def test_a_line_is_rounded_as_it_says_and_its_exact_amount_is_explained(
    rounding: Any, used: str, cents: int
) -> None:
    priced = price(chain(terms(lines=[usage_line(rounding=rounding)])), used)
    assert amounts(priced) == {"api": cents}
    *_, step = priced.steps
    assert step.op == "settle" and step.inputs["exact"] == max(Decimal(used), Decimal(0))


def test_its_words_name_what_it_is_rounded_to() -> None:
    priced = price(chain(terms(lines=[usage_line(rounding={"step": "0.05"})])), "10.575")
    assert words(priced)[-1] == "10.575 rounded half up by 0.05 to 10.60 USD"


def test_a_mode_that_a_line_does_not_say_is_that_of_the_billing() -> None:
    lines = [usage_line(rounding={"scale": 0}), usage_line(key="other", rounding={"scale": 0, "mode": "up"})]
    assert amounts(price(chain(terms(lines=lines, billing={"rounding": "down"})), "1.5", "1.5")) == {
        "api": 100,
        "other": 200,
    }


def test_fees_and_one_off_charges_are_rounded_too_and_a_minimum_counts_what_was_rounded() -> None:
    lines = [
        {"key": "fee", "kind": "recurring", "amount": "99.60", "rounding": {"scale": 0}},
        {
            "key": "setup",
            "kind": "one_off",
            "amount": "0.30",
            "date": "2026-01-05",
            "rounding": {"step": "0.5"},
        },
    ]
    minimum = [{"from": "2026-01-01", "minimum_spend": "100"}]
    assert amounts(price(chain(terms(lines=lines, phases=minimum)))) == {"fee": 10000, "setup": 50}


@pytest.mark.parametrize(
    ("rounding", "path", "code"),
    [
        ({}, "scale", "missing"),
        ({"scale": 0, "step": "1"}, "scale", "more_than_one_measure"),
        ({"scale": 3}, "scale", "not_whole_minor_units"),
        ({"step": "0.025"}, "step", "not_whole_minor_units"),
        ({"step": "0"}, "step", "not_positive"),
        ({"scale": 0, "mode": "nearest"}, "mode", "unknown_value"),
    ],
)
def test_faults_of_a_rounding(rounding: Any, path: str, code: str) -> None:
    assert faults(lines=[usage_line(rounding=rounding)]) == {f"lines[0].rounding.{path}": code}


VOLUME = {
    "model": "volume",
    "tiers": [
        {"up_to": "100", "unit": "2", "flat": "10"},
        {"up_to": "200", "unit": "1"},
        {"unit": "0.5", "flat": "50"},
    ],
}
BY_FULL = {**VOLUME, "tier_by": "full_quantity"}


def test_the_quantity_before_proration_picks_the_tier_and_what_is_left_is_priced() -> None:
    versions = chain(terms(lines=[usage_line(BY_FULL)]))
    priced = price(versions, "198.6", "300")
    assert amounts(priced) == {"api": 14930}
    assert words(priced)[1] == "198.6 at 0.5 plus 50, the last tier, of 300 before proration"
    assert amounts(price(versions, "50", "150")) == {"api": 5000}


def test_an_allowance_comes_off_both_and_a_conversion_converts_both() -> None:
    """150 − 60 are 90 of the first tier before proration; 40 of 300 are in the second once they are halved."""
    assert amounts(price(chain(terms(lines=[usage_line(BY_FULL, included="60")])), "100", "150")) == {
        "api": 9000
    }
    halved = usage_line(BY_FULL, convert={"divide": "2"})
    assert amounts(price(chain(terms(lines=[halved])), "40", "300")) == {"api": 2000}


@given(used=st.integers(0, 400), cut=st.booleans())
def test_where_nothing_is_prorated_it_is_the_price_by_quantity(used: int, cut: bool) -> None:
    over = {"discounts": [{"key": "none", "percent": "0", "until": "2026-01-10"}]} if cut else {}
    by_full, plain = (chain(terms(lines=[usage_line(one)], **over)) for one in (BY_FULL, VOLUME))
    some = [str(used)] * (2 if cut else 1)
    assert amounts(price(by_full, *some, *some)) == amounts(price(plain, *some))


@pytest.mark.parametrize(
    ("said", "otherwise"),
    [
        ({"tier_by": "quantity"}, VOLUME),
        ({"flat_at_zero": "first_tier"}, VOLUME),
        ({"boundary": "upper"}, VOLUME),
        ({"partial_pack": "up"}, {"model": "package", "size": "10", "price": "1"}),
        ({"when": "always"}, {"model": "flat", "amount": "1"}),
        ({"charge": "all_tiers"}, {"model": "blocks", "tiers": [{"size": "10", "price": "1"}]}),
    ],
)
def test_a_default_of_a_price_that_is_written_changes_no_digest(said: Any, otherwise: Any) -> None:
    assert content_hash(terms(lines=[usage_line(otherwise | said)])) == content_hash(
        terms(lines=[usage_line(otherwise)])
    )


@pytest.mark.parametrize(
    ("said", "otherwise"),
    [
        ({"included": {"units": "5", "per": "period"}}, {"included": "5"}),
        ({"included": {"units": "5", "roll_over": False}}, {"included": "5"}),
        ({"measured": "after_discounts"}, {}),
        ({"on_change": "run_through"}, {}),
        (
            {"convert": {"divide": "5", "round": {"scale": 12, "mode": "half_up"}}},
            {"convert": {"divide": "5"}},
        ),
    ],
)
def test_a_default_of_a_line_that_is_written_changes_no_digest(said: Any, otherwise: Any) -> None:
    assert content_hash(terms(lines=[usage_line(**said)])) == content_hash(
        terms(lines=[usage_line(**otherwise)])
    )
