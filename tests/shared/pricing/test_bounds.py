"""The least and the most that a line and a period cost: figures to check by hand, an oracle in fractions, and laws."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import PricedPeriod, TermsInvalid, text_of
from shared.values.decimals import EXACT
from shared.values.money import to_decimal
from shared.values.period import ServicePeriod, period_between
from tests.shared.pricing.contracts import amounts, chain, price, terms, usage_line

HALF = period_between(date(2026, 1, 17), date(2026, 2, 1), "UTC", whole_days=31)  # 15 of 31 days


def fee(amount: str, key: str = "fee", **over: Any) -> dict[str, Any]:
    return {"key": key, "kind": "recurring", "amount": amount, **over}


def words(priced: PricedPeriod, *ops: str) -> list[str]:
    return [text_of(step) for step in priced.steps if step.op in ops]


def drawn(priced: PricedPeriod) -> dict[str, int]:
    keys = {line.line_id: line.key for line in priced.lines}
    return {keys[draw.line_id]: draw.amount_minor for draw in priced.draws}


@pytest.mark.parametrize(
    ("used", "cents", "said"),
    [
        ("5", 1000, "up to the line's minimum: 5 more than 5"),
        ("10", 1000, None),
        ("50", 5000, None),
        ("50.01", 5000, "down to the line's maximum: 0.01 less than 50.01"),
    ],
)
def test_a_line_costs_at_least_its_minimum_and_at_most_its_maximum(
    used: str, cents: int, said: str | None
) -> None:
    priced = price(chain(terms(lines=[usage_line(minimum="10", maximum="50")])), used)
    assert amounts(priced) == {"api": cents}
    assert words(priced, "line_minimum", "line_maximum") == ([said] if said else [])


def test_a_fee_that_is_due_whole_is_bounded_once_however_often_it_changes() -> None:
    """The fee first in force is due, within its own bounds; a version and a discount cut the line."""
    whole = fee("200", proration="none", maximum="50", minimum="20")
    first = terms(lines=[whole], discounts=[{"key": "week", "percent": "0", "until": "2026-01-07"}])
    later = terms(lines=[fee("1", proration="none", maximum="60", minimum="40")], effective="2026-01-12")
    assert amounts(price(chain(first))) == {"fee": 5000}
    assert amounts(price(chain(first, later))) == {"fee": 5000}


def test_a_part_period_bounds_a_line_by_the_day_unless_its_fee_is_due_whole() -> None:
    """15 of 31 days of 31 are 15; a fee that is not prorated is not bounded by the day either."""
    lines = [
        usage_line(minimum="31"),
        fee("62", "daily", maximum="31"),
        fee("62", "whole", maximum="31", proration="none"),
    ]
    assert amounts(price(chain(terms(lines=lines)), "0", period=HALF)) == {
        "api": 1500,
        "daily": 1500,
        "whole": 3100,
    }


def test_bounds_that_change_count_by_their_days() -> None:
    """15 days of 31 and 16 of 62: 47. A line that has a maximum on some of its days has none in that period."""
    signed = terms(lines=[usage_line(minimum="31")])
    raised = terms(lines=[usage_line(minimum="62")], effective="2026-01-16")
    assert amounts(price(chain(signed, raised), "1", "1")) == {"api": 4700}
    bounded = terms(lines=[usage_line(maximum="31")], effective="2026-01-16")
    assert amounts(price(chain(terms(), bounded), "40", "40")) == {"api": 8000}


def test_a_cap_takes_back_what_the_settled_lines_come_to_beyond_it() -> None:
    """33.33 + 33.33 + 33.34 beyond 50 is 50: 16.665, 16.665 and 16.67 in whole cents."""
    lines = [fee("33.33", "a"), fee("33.33", "b"), fee("33.34", "c"), fee("0", "d")]
    priced = price(chain(terms(lines=lines, cap={"spend_per_period": "50"})))
    assert amounts(priced) == {"a": 3333, "b": 3333, "c": 3334, "d": 0, "cap": -5000}
    assert (priced.subtotal_minor, priced.lines[-1].kind) == (5000, "cap")
    assert words(priced, "cap") == [
        "16.67 USD of a, to the spending cap of 50.00 USD",
        "16.66 USD of b, to the spending cap of 50.00 USD",
        "16.67 USD of c, to the spending cap of 50.00 USD",
    ]


def test_a_phase_has_a_cap_of_its_own_and_every_day_counts() -> None:
    """15 of 31 days of 310 and 16 of 620: 470; a part period has its days' share."""
    phases = [{"from": "2026-01-16", "cap": {"spend_per_period": "620"}}]
    versions = chain(terms(cap={"spend_per_period": "310"}, phases=phases))
    assert amounts(price(versions, "500")) == {"api": 50000, "cap": -3000}
    assert price(chain(terms(cap={"spend_per_period": "310"})), "500", period=HALF).subtotal_minor == 15000
    without = chain(terms(phases=phases))
    assert amounts(price(without, "900")) == {"api": 90000}


def test_a_minimum_and_a_cap_of_the_same_amount_fix_the_charge() -> None:
    phases = [{"from": "2026-01-01", "minimum_spend": "100", "cap": {"spend_per_period": "100"}}]
    versions = chain(terms(phases=phases))
    assert [price(versions, used).subtotal_minor for used in ("0", "100", "999")] == [10000] * 3


def test_credits_see_what_the_cap_leaves_of_each_line_slice_after_slice() -> None:
    """100 and 300 are capped at 200: 50 and 150 are left. Up to the 11th the second line comes to nothing: its credit
    ends before there is anything to pay."""
    lines = [fee("100", "a"), usage_line(key="b")]
    early = {"key": "early", "amount": "999", "applies_to": ["b"], "expires": "2026-01-10"}
    late = {"key": "late", "amount": "120", "applies_to": ["b"]}
    versions = chain(terms(lines=lines, credits=[early, late], cap={"spend_per_period": "200"}))
    priced = price(versions, "300", "0")
    assert amounts(priced) == {"a": 10000, "b": 30000, "cap": -20000}
    assert drawn(priced) == {"b": 12000}
    generous = chain(terms(lines=lines, credits=[{**late, "amount": "999"}], cap={"spend_per_period": "200"}))
    assert drawn(price(generous, "300")) == {"b": 15000}


def test_a_minimum_is_due_at_the_end_of_a_period_and_a_maximum_all_along() -> None:
    """By the 20th, when the credit ends, 20 are used: it pays a maximum of 15, and of a minimum of 70 the 20."""
    credit = {"key": "early", "amount": "999", "expires": "2026-01-20"}
    lines = [usage_line(key="most", maximum="15"), usage_line(key="least", minimum="70")]
    priced = price(chain(terms(lines=lines, credits=[credit])), "21", "21", "20", "20")
    assert amounts(priced) == {"most": 1500, "least": 7000}
    assert drawn(priced) == {"most": 1500, "least": 2000}


@pytest.mark.parametrize(
    ("measured", "used", "cents"),
    [
        # half of 40 is lifted to 100; 40 lack 60, which are due beside half of it
        ("after_discounts", "40", 10000),
        ("before_discounts", "40", 8000),
        ("after_discounts", "150", 10000),
        ("before_discounts", "150", 7500),
        # half of 500 is within 300; of 500 cut to 300 the half is due
        ("after_discounts", "500", 25000),
        ("before_discounts", "500", 15000),
        ("after_discounts", "900", 30000),
    ],
)
def test_bounds_are_measured_after_discounts_or_before_them(measured: str, used: str, cents: int) -> None:
    line = usage_line(minimum="100", maximum="300", measured=measured)
    half = [{"key": "half", "percent": "50"}]
    priced = price(chain(terms(lines=[line], discounts=half)), used)
    assert amounts(priced) == {"api": cents}
    assert sum(step.amount or 0 for step in priced.steps) * 100 == cents


def test_a_discount_of_a_part_of_the_period_is_taken_of_what_the_maximum_leaves_of_it() -> None:
    """200 before the 16th and 200 after it are cut to 300, the last first: half of the last 100 is off."""
    line = usage_line(maximum="300", measured="before_discounts")
    late = [{"key": "late", "percent": "50", "from": "2026-01-16"}]
    assert amounts(price(chain(terms(lines=[line], discounts=late)), "200", "200")) == {"api": 25000}


def test_what_has_no_bounds_is_hashed_as_before() -> None:
    """As the versions of contracts that were signed before there were bounds say."""
    assert terms().lines[0].hash == "981dc575723061e55d9c498049d3c26d"
    assert (
        terms(phases=[{"from": "2026-01-01", "minimum_spend": "1000"}]).phases[0].hash
        == "a3d747524cf2a2697f75e2dc122d3c18"
    )


@pytest.mark.parametrize(
    ("over", "path", "code"),
    [
        (
            {"lines": [usage_line(minimum="2", maximum="1")]},
            "lines[0].minimum",
            "minimum_above_maximum",
        ),
        ({"lines": [fee("1", minimum="2", maximum="1")]}, "lines[0].minimum", "minimum_above_maximum"),
        (
            {
                "phases": [{"from": "2026-01-01", "minimum_spend": "2"}],
                "cap": {"spend_per_period": "1"},
            },
            "phases[0].minimum_spend",
            "minimum_above_cap",
        ),
        (
            {
                "phases": [
                    {"from": "2026-01-01", "minimum_spend": "2", "cap": {"spend_per_period": "1"}},
                ],
                "cap": {"spend_per_period": "9"},
            },
            "phases[0].minimum_spend",
            "minimum_above_cap",
        ),
        ({"cap": {"spend_per_period": "-1"}}, "cap.spend_per_period", "negative"),
        ({"cap": {"spend_per_period": "1" + 19 * "0"}}, "cap.spend_per_period", "not_a_decimal"),
        ({"lines": [usage_line(maximum="1" + 19 * "0")]}, "lines[0].maximum", "not_a_decimal"),
        ({"lines": [usage_line(maximum=10**19)]}, "lines[0].maximum", "not_a_decimal"),
        ({"cap": {}}, "cap.spend_per_period", "missing"),
        ({"phases": [{"from": "2026-01-01"}]}, "phases[0].minimum_spend", "missing"),
    ],
)
def test_bounds_that_cannot_be_held_are_refused(over: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(TermsInvalid) as refused:
        terms(**over)
    assert {error["path"]: error["code"] for error in refused.value.errors} == {path: code}


cents = st.integers(0, 10**6).map(lambda minor: f"{Decimal(minor) / 100:f}")
bounds = st.fixed_dictionaries(
    {}, optional={"minimum": st.integers(0, 400).map(str), "maximum": st.integers(400, 900).map(str)}
)
lines_of = st.lists(
    st.fixed_dictionaries({"unit": cents, "used": st.integers(0, 20), "before": bounds, "after": bounds}),
    min_size=1,
    max_size=4,
)
spends = st.tuples(st.integers(0, 1500), st.integers(0, 1500)).map(sorted)


@given(
    lines=lines_of,
    spend=st.one_of(st.none(), spends),
    first=st.integers(0, 29),
    change=st.integers(1, 30),
    code=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_random_bounds_are_those_of_an_oracle_in_fractions(
    lines: list[dict[str, Any]], spend: list[int] | None, first: int, change: int, code: str
) -> None:
    """A part period of January, in which the bounds of every line change at a day."""
    begins = date(2026, 1, 1) + timedelta(days=first)
    period = period_between(begins, date(2026, 2, 1), "UTC", whole_days=31)
    changes = min(begins + timedelta(days=change), date(2026, 1, 31))
    versions = [
        terms(
            currency=code,
            lines=[
                usage_line({"model": "per_unit", "unit": line["unit"]}, key=f"l{index}", **line[which])
                for index, line in enumerate(lines)
            ],
            **({"cap": {"spend_per_period": str(spend[1])}} if spend else {}),
            phases=[{"from": "2026-01-01", "minimum_spend": str(spend[0])}] if spend else [],
            **({"effective": changes.isoformat()} if which == "after" else {}),
        )
        for which in ("before", "after")
    ]
    priced = price_random(versions, lines, period, changes)
    expected = oracle(lines, spend, period, changes, {"USD": 2, "JPY": 0, "KWD": 3}[code])
    assert [line.amount_minor for line in priced.lines] == expected
    with localcontext(EXACT):
        explained = sum(step.amount or 0 for step in priced.steps)
    assert explained == to_decimal(priced.subtotal_minor, versions[0].money)


def price_random(
    versions: list[Any], lines: list[dict[str, Any]], period: ServicePeriod, changes: date
) -> PricedPeriod:
    """All usage comes before the change; a line that does not change is one stretch."""
    used: list[str | int] = []
    for line, signed, amended in zip(lines, versions[0].lines, versions[1].lines, strict=True):
        whole = signed.hash == amended.hash or changes <= period.start_date
        used += [line["used"]] if whole else [line["used"], 0]
    return price(chain(*versions), *used, period=period)


def oracle(
    lines: list[dict[str, Any]],
    spend: list[int] | None,
    period: ServicePeriod,
    changes: date,
    decimals: int,
) -> list[int]:
    """The settled lines, a top-up or a reduction after them; by another way than that of the code."""
    days = {"before": max((changes - period.start_date).days, 0)}
    days["after"] = period.billed_days - days["before"]
    settled = [_settled(_held(line, days), decimals) for line in lines]
    if spend is None:
        return settled
    least, most = (_settled(Fraction(bound * period.billed_days, 31), decimals) for bound in spend)
    total = sum(settled)
    if total < least:
        return [*settled, least - total]
    return [*settled, most - total] if total > most else settled


def _held(line: dict[str, Any], days: dict[str, int]) -> Fraction:
    exact: Fraction = Fraction(line["unit"]) * line["used"]
    least = sum(int(line[when].get("minimum", 0)) * count for when, count in days.items())
    exact = max(exact, Fraction(least, 31))
    if all("maximum" in line[when] for when, count in days.items() if count):
        most = sum(int(line[when]["maximum"]) * count for when, count in days.items() if count)
        exact = min(exact, Fraction(most, 31))
    return exact


def _settled(exact: Fraction, decimals: int) -> int:
    return int(exact * 10**decimals + Fraction(1, 2))


shares = st.lists(st.integers(0, 10**9), min_size=1, max_size=8)


@given(fees=shares, most=st.integers(0, 10**9))
def test_a_reduction_is_split_without_a_rest_and_takes_no_line_below_zero(fees: list[int], most: int) -> None:
    lines = [fee(str(minor), f"f{index}") for index, minor in enumerate(fees)]
    priced = price(chain(terms(currency="JPY", lines=lines, cap={"spend_per_period": str(most)})))
    beyond = max(sum(fees) - most, 0)
    taken = {step.inputs["line"]: -int(step.output) for step in priced.steps if step.op == "cap"}
    assert sum(taken.values()) == beyond and priced.subtotal_minor == sum(fees) - beyond
    for index, minor in enumerate(fees):
        part = taken.get(f"f{index}", 0)
        assert 0 <= part <= minor
        assert abs(part - Fraction(beyond * minor, sum(fees) or 1)) < 1


@given(
    less=st.integers(0, 200),
    more=st.integers(0, 200),
    held=bounds,
    spend=spends,
)
def test_more_usage_never_costs_less_within_bounds(
    less: int, more: int, held: dict[str, str], spend: list[int]
) -> None:
    phases = [{"from": "2026-01-01", "minimum_spend": str(spend[0])}]
    line = usage_line({"model": "per_unit", "unit": "7.77"}, **held)
    versions = chain(terms(lines=[line], phases=phases, cap={"spend_per_period": str(spend[1])}))
    one, other = (price(versions, used).subtotal_minor for used in sorted((less, more)))
    assert spend[0] * 100 <= one <= other <= spend[1] * 100
