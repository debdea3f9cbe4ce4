"""Escalators: when prices rise, by how much, and of which clauses."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import Group, TermsInvalid, Totals, parse_terms, price_period, text_of, usage_needs
from shared.pricing.escalator import Escalation, Escalator, PriceOutOfBounds, raised_by
from shared.pricing.language import content_hash
from shared.pricing.lines import KINDS, LineClause
from shared.pricing.models.model import Model
from shared.values.money import Rounding
from shared.values.period import ServicePeriod, add_months, period_between
from tests.shared.pricing.contracts import JANUARY, amounts, chain, document, price, terms, usage_line
from tests.shared.pricing.prices import PRICES
from tests.shared.pricing.test_fees import settled

FEE = {"key": "fee", "kind": "recurring", "amount": "2000000"}


def yearly(percent: str = "5", **said: Any) -> dict[str, Any]:
    return {"percent": percent, "every_months": 12, **said}


def month(year: int, number: int) -> ServicePeriod:
    begins = date(year, number, 1)
    return period_between(begins, add_months(begins, 1), "UTC")


def fees(escalator: dict[str, Any], amount: str = "2000000", years: int = 3) -> list[int]:
    """What a fee comes to in the first month of each year, in whole units."""
    versions = chain(
        terms(
            term={"start": "2026-01-01", "months": 60},
            lines=[{**FEE, "amount": amount}],
            escalators=[escalator],
        )
    )
    priced = [price(versions, period=month(2026 + year, 1)) for year in range(years)]
    return [line.amount_minor // 100 for one in priced for line in one.lines]


@pytest.mark.parametrize(
    ("percent", "prices"),
    [
        ("3", [2000000, 2060000, 2121800]),
        ("5", [2000000, 2100000, 2205000]),
        ("7", [2000000, 2140000, 2289800]),
        ("10", [2000000, 2200000, 2420000]),
        ("-10", [2000000, 1800000, 1620000]),
    ],
)
def test_compound_is_on_the_price_of_the_step_before(percent: str, prices: list[int]) -> None:
    assert fees(yearly(percent)) == prices


def test_simple_is_on_the_price_as_written() -> None:
    assert fees(yearly("10", kind="simple"), "1000", 4) == [1000, 1100, 1200, 1300]
    assert fees(yearly("-10", kind="simple"), "1000", 4) == [1000, 900, 800, 700]


def test_a_rounded_price_does_not_carry_its_rounding_on() -> None:
    """5,000 at 3 %: 5,304.50 is billed as 5,305, and the next step is on 5,304.50: 5,463.635."""
    whole = {"mode": "half_up", "scale": 0}
    assert fees(yearly("3", round_price=whole), "5000", 4) == [5000, 5150, 5305, 5464]
    assert fees(yearly("3", round_price={"mode": "down", "scale": 0}), "5000", 4) == [5000, 5150, 5304, 5463]


def test_the_first_step_is_one_interval_after_the_anchor() -> None:
    versions = chain(
        terms(
            term={"start": "2026-01-01", "months": 60},
            lines=[{**FEE, "amount": "100"}],
            escalators=[{"percent": "10", "every_months": 6, "anchor": "2026-03-01"}],
        )
    )
    months = [month(2026, 1), month(2026, 8), month(2026, 9), month(2027, 2), month(2027, 3)]
    assert [price(versions, period=one).subtotal_minor for one in months] == [
        10000,
        10000,
        11000,
        11000,
        12100,
    ]


def test_an_anchor_at_the_end_of_a_month_does_not_drift() -> None:
    monthly = Escalator.model_validate({"percent": "1", "every_months": 1, "anchor": "2026-01-31"})
    start = date(2020, 1, 1)
    steps = list(monthly.steps_between(date(2025, 6, 1), date(2026, 4, 30), start))
    assert steps == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert [monthly.times_on(day, start) for day in (date(2026, 2, 27), *steps)] == [0, 1, 2, 3]


def test_a_step_within_a_period_cuts_its_lines_there() -> None:
    """15 days at 310.00 and 16 at 341.00; ten units at 2 and ten at 2.20."""
    versions = chain(
        terms(
            term={"start": "2025-01-16", "months": 36},
            lines=[{**FEE, "amount": "310.00"}, usage_line({"model": "per_unit", "unit": "2"})],
            escalators=[yearly("10")],
        )
    )
    assert [need.start.day for need in usage_needs(versions, JANUARY)] == [1, 16]
    assert amounts(price(versions, "10", "10")) == {"fee": 15000 + 17600, "api": 2000 + 2200}


def test_tiers_run_through_a_step_unless_they_restart() -> None:
    tiers = {"model": "graduated", "tiers": [{"up_to": "10", "unit": "2"}, {"unit": "1"}]}
    over = {"term": {"start": "2025-01-16", "months": 36}, "escalators": [yearly("100")]}
    running = chain(terms(lines=[usage_line(tiers)], **over))
    assert amounts(price(running, "10", "10")) == {"api": 2000 + 2000}
    restarting = chain(terms(lines=[usage_line(tiers, on_change="restart")], **over))
    assert amounts(price(restarting, "10", "10")) == {"api": 2000 + 4000}


def test_lines_are_named_by_key_or_kind_and_the_minimum_by_its_name() -> None:
    lines = [{**FEE, "amount": "100"}, usage_line()]
    phases = [{"from": "2025-01-01", "minimum_spend": "1000"}]

    def second_year(**said: Any) -> dict[str, int]:
        term = {"start": "2025-01-01", "months": 36}
        return amounts(
            price(chain(terms(term=term, lines=lines, phases=phases, escalators=[yearly(**said)])), "100")
        )

    assert second_year() == {"fee": 10500, "api": 10500, "minimum_spend": 79000}
    assert second_year(applies_to=["usage"]) == {"fee": 10000, "api": 10500, "minimum_spend": 79500}
    assert second_year(applies_to=["minimum_spend", "fee"]) == {
        "fee": 10500,
        "api": 10000,
        "minimum_spend": 84500,
    }


def test_two_escalators_multiply_and_the_price_is_rounded_once() -> None:
    both = [yearly("5"), yearly("3", round_price={"scale": 1})]
    versions = chain(
        terms(term={"start": "2025-01-01", "months": 24}, lines=[{**FEE, "amount": "11.11"}], escalators=both)
    )
    assert price(versions).subtotal_minor == 1200  # 11.11 × 1.05 × 1.03 = 12.015…


def test_a_version_a_phase_a_discount_and_a_step_in_one_period() -> None:
    """310.00 a month: 4 days whole, 5 half, 6 half and a tenth dearer, then 16 days of 620.00, a tenth dearer; the least
    is 31.00 × 9 ÷ 31 + 3100.00 × 22 ÷ 31."""
    over: dict[str, Any] = {
        "term": {"start": "2025-01-10", "months": 36},
        "escalators": [yearly("10")],
        "discounts": [{"key": "half", "percent": "50", "from": "2026-01-05", "until": "2026-01-15"}],
        "phases": [
            {"from": "2025-01-10", "minimum_spend": "31.00"},
            {"from": "2026-01-10", "minimum_spend": "3100.00"},
        ],
    }
    versions = chain(
        terms(lines=[{**FEE, "amount": "310.00"}], **over),
        terms(lines=[{**FEE, "amount": "620.00"}], **over, effective="2026-01-16"),
    )
    priced = price(versions)
    fee = 4000 + 2500 + 3300 + 35200
    assert amounts(priced) == {"fee": fee, "minimum_spend": 900 + 220000 - fee}
    (line, _) = priced.lines
    assert [segment.start.day for segment in line.segments] == [1, 5, 10, 16]
    assert sum(Fraction(step.amount or 0) for step in priced.steps) == Fraction(priced.subtotal_minor, 100)


def test_prices_go_on_from_a_version_by_its_own_escalators() -> None:
    """A version writes the prices of its own time anew, and anchors there."""
    term = {"start": "2025-01-01", "months": 60}
    versions = chain(
        terms(term=term, lines=[{**FEE, "amount": "100"}], escalators=[yearly("10")]),
        terms(
            term=term,
            lines=[{**FEE, "amount": "200"}],
            escalators=[yearly("10", anchor="2026-02-01")],
            effective="2026-02-01",
        ),
    )
    months = [month(2026, 1), month(2026, 2), month(2027, 1), month(2027, 2)]
    assert [price(versions, period=one).subtotal_minor for one in months] == [11000, 20000, 20000, 22000]


def test_the_words_and_the_clauses_of_a_raised_price() -> None:
    versions = chain(terms(term={"start": "2024-01-01", "months": 36}, escalators=[yearly("5")]))
    raised, *_, priced, settled = price(versions, "100").steps
    assert text_of(raised) == "prices of 2 × 5 %, compound: 10.25 % on those written"
    assert (text_of(priced), text_of(settled)) == ("100 at 1.1025", "110.25 rounded half up to 110.25 USD")
    assert priced.clauses == (settled.clause, raised.clause)
    assert price(versions, "100").lines[0].clause_hash == versions[0].terms.lines[0].hash


@pytest.mark.parametrize(
    ("written", "path", "code"),
    [
        ({"every_months": 12}, "percent", "missing"),
        ({"percent": "5"}, "every_months", "missing"),
        ({"percent": "-100", "every_months": 12}, "percent", "nothing_left"),
        ({"percent": "-250", "every_months": 12}, "percent", "nothing_left"),
        ({"percent": "-50", "every_months": 1, "kind": "simple"}, "percent", "nothing_left"),
        ({"percent": "1000", "every_months": 1}, "percent", "price_out_of_bounds"),
        ({"percent": 5.5, "every_months": 12}, "percent", "float_refused"),
        ({"percent": "5", "every_months": 0}, "every_months", "greater_than_equal"),
        ({"percent": "5", "every_months": 12, "kind": "linear"}, "kind", "unknown_value"),
        (
            {"percent": "5", "every_months": 12, "applies_to": ["api", "calls"]},
            "applies_to[1]",
            "no_such_line",
        ),
        (
            {"percent": "5", "every_months": 12, "round_price": {"scale": 21}},
            "round_price.scale",
            "less_than_equal",
        ),
        ({"percent": "5", "every_months": 12, "anchor": "2026-02-30"}, "anchor", "not_a_date"),
        ({"percent": "5", "every_months": 12, "index": {"name": "cpi"}}, "index", "clause_not_priced_yet"),
        ({"percent": "5", "every_months": 12, "colour": "red"}, "colour", "unknown_key"),
    ],
)
def test_a_fault_of_an_escalator_is_refused_with_its_path(
    written: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        parse_terms(document(escalators=[written]))
    assert {error["path"]: error["code"] for error in refused.value.errors} == {f"escalators[0].{path}": code}


def test_a_default_written_out_is_the_same_terms() -> None:
    plain, spelled = terms(escalators=[yearly()]), terms(escalators=[yearly("5.00", kind="compound")])
    assert content_hash(plain) == content_hash(spelled)
    assert content_hash(terms()) == content_hash(terms(escalators=[]))


quantities = st.decimals(min_value=0, max_value=10_000, places=3)
percents = st.decimals(min_value=-99, max_value=300, places=2)


@pytest.mark.parametrize("name", sorted(PRICES))
@given(data=st.data(), quantity=quantities)
def test_every_price_says_how_it_is_escalated(name: str, data: st.DataObject, quantity: Decimal) -> None:
    """Twice each of its prices is twice what units cost, but for what a tier costs at most."""
    written = without_caps(data.draw(PRICES[name]))
    model = terms(lines=[usage_line(written)]).usage_lines[0].price
    twice = model.escalated(lambda price: price * 2)
    assert twice.cost(quantity) == model.cost(quantity) * 2
    assert (twice.cost(quantity) == model.cost(quantity)) == (model.cost(quantity) == 0)
    assert parse_price(twice) == twice


def without_caps(written: dict[str, Any]) -> dict[str, Any]:
    tiers = [
        {name: said for name, said in tier.items() if name != "cap"} for tier in written.get("tiers", [])
    ]
    return {**written, **({"tiers": tiers} if tiers else {})}


def parse_price(model: Model) -> Model:
    """As terms would write it: what escalators leave is a price that could be written."""
    written = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return terms(lines=[usage_line(written)]).usage_lines[0].price


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_line_says_how_it_is_escalated(kind: str) -> None:
    assert KINDS[kind].escalated is not LineClause.escalated


def test_a_price_of_many_units_that_leaves_a_rest_is_that_of_one() -> None:
    """0.30 for three units, a third of 20 decimals dearer, is no price of three without a rest."""
    thirds = {"model": "per_unit", "unit": "0.30", "per": "3"}
    versions = chain(
        terms(
            term={"start": "2025-01-01", "months": 24},
            lines=[usage_line(thirds)],
            escalators=[yearly("33.333333333333333333")],
        )
    )
    (price_step,) = [step for step in price(versions, "1").steps if step.op == "price"]
    assert price_step.number("at") == Decimal("0.13333333333333333333")


@given(
    written=st.decimals(min_value=0, max_value=10**6, places=20),
    percent=percents,
    times=st.integers(0, 240),
    kind=st.sampled_from(["compound", "simple"]),
    rounding=st.none() | st.tuples(st.integers(0, 20), st.sampled_from(Rounding)),
)
def test_a_raised_price_comes_to_the_same_in_fractions(
    written: Decimal, percent: Decimal, times: int, kind: str, rounding: tuple[int, Rounding] | None
) -> None:
    said = {"percent": str(percent), "every_months": 1, "kind": kind}
    if rounding:
        said["round_price"] = {"scale": rounding[0], "mode": rounding[1].value}
    rate = Fraction(percent) / 100
    factor = (1 + rate) ** times if kind == "compound" else max(1 + rate * times, Fraction(0))
    scale, mode = rounding or (20, Rounding.HALF_UP)
    whole = settled(Fraction(written) * factor * 10**scale, mode)
    raise_price = raised_by([Escalation(Escalator.model_validate(said), "", times)])
    if Fraction(written) * factor >= 10**19:
        with pytest.raises(PriceOutOfBounds):
            raise_price(written)
    else:
        assert Fraction(raise_price(written)) == Fraction(whole, 10**scale)


def steps_by(day: date, anchor: date, months: int) -> int:
    """How many of the days anchor + months, + 2 × months and so on are not after a day."""
    times = 0
    while add_months(anchor, (times + 1) * months) <= day:
        times += 1
    return times


starts = st.dates(date(2022, 1, 1), date(2026, 1, 1))


@st.composite
def escalators(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for _ in range(draw(st.integers(1, 3))):
        said: dict[str, Any] = {
            "percent": str(draw(st.decimals(min_value=-20, max_value=20, places=2))),
            "every_months": draw(st.integers(1, 14)),
        }
        if draw(st.booleans()):
            said["anchor"] = draw(st.dates(date(2022, 1, 1), date(2026, 1, 20))).isoformat()
        if draw(st.booleans()):
            said["applies_to"] = draw(st.sampled_from([["fee"], ["api", "minimum_spend"], ["usage", "fee"]]))
        found.append(said)
    return found


@given(
    start=starts,
    written=escalators(),
    used=st.dictionaries(st.integers(1, 31), st.integers(1, 400), max_size=5),
)
def test_escalators_come_to_the_same_day_by_day(
    start: date, written: list[dict[str, Any]], used: dict[int, int]
) -> None:
    versions = chain(
        terms(
            term={"start": start.isoformat(), "months": 60},
            lines=[{**FEE, "amount": "99.99"}, usage_line({"model": "per_unit", "unit": "0.0301"})],
            phases=[{"from": start.isoformat(), "minimum_spend": "1000000000000"}],
            escalators=written,
        )
    )

    def price_on(day: date, price: str, names: set[str]) -> Fraction:
        exact = Fraction(price)
        for one in written:
            meant = one.get("applies_to")
            if (names & set(meant)) if meant else "minimum_spend" not in names:
                anchor = date.fromisoformat(one["anchor"]) if "anchor" in one else start
                exact *= (1 + Fraction(one["percent"]) / 100) ** steps_by(day, anchor, one["every_months"])
        return Fraction(settled(exact * 10**20, Rounding.HALF_UP), 10**20)

    days = [date(2026, 1, number) for number in range(1, 32)]
    usage: dict[Totals, dict[Group, Decimal]] = {
        need: {(): Decimal(sum(used.get(day, 0) for day in range(need.start.day, need_end(need) + 1)))}
        for need in usage_needs(versions, JANUARY)
    }
    priced = price_period(versions, JANUARY, usage, explain=True)
    exact: dict[str, Fraction] = {
        "fee": sum((price_on(day, "99.99", {"fee", "recurring"}) for day in days), Fraction(0)) / 31,
        "api": sum(
            (used.get(day.day, 0) * price_on(day, "0.0301", {"api", "usage"}) for day in days), Fraction(0)
        ),
    }
    for line in priced.lines[:2]:
        steps = priced.explanation[line.line_id]
        said = next(step.number("exact") for step in steps if step.op == "settle")
        assert abs(Fraction(said) - exact[line.key]) < Fraction(1, 10**40), line.key
        assert sum(Fraction(step.amount or 0) for step in steps) == Fraction(line.amount_minor, 100)
    least = sum((price_on(day, "1000000000000", {"minimum_spend"}) for day in days), Fraction(0)) / 31
    assert priced.subtotal_minor == settled(least * 100, Rounding.HALF_UP)


def need_end(need: Totals) -> int:
    """The last day of January that it counts."""
    return 31 if need.end.month == 2 else need.end.day - 1
