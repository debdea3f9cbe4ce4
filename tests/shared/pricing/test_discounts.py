"""Discounts: what they take, off which lines, while they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import Group, Step, TermsInvalid, Totals, parse_terms, price_period, text_of, usage_needs
from shared.pricing.language import content_hash
from shared.values.period import period_between
from tests.shared.pricing.contracts import JANUARY, amounts, chain, document, price, terms, usage_line
from tests.shared.pricing.prices import PRICES

FEE = {"key": "fee", "kind": "recurring", "amount": "310.00"}


def charged(discounts: Sequence[dict[str, Any]], *quantities: str, **over: Any) -> dict[str, int]:
    over = {"lines": [FEE, usage_line()], **over}
    return amounts(price(chain(terms(discounts=discounts, **over)), *quantities))


def off(key: str = "deal", **said: Any) -> dict[str, Any]:
    return {"key": key, **said}


def test_a_percentage_is_off_every_line_unless_it_names_some_by_key_or_kind() -> None:
    assert charged([off(percent="10")], "100") == {"fee": 27900, "api": 9000}
    assert charged([off(percent="10", applies_to=["api"])], "100") == {"fee": 31000, "api": 9000}
    assert charged([off(percent="10", applies_to=["recurring"])], "100") == {"fee": 27900, "api": 10000}
    assert charged([off(percent="100")], "100") == {"fee": 0, "api": 0}


def test_percentages_come_first_and_each_is_of_what_is_left() -> None:
    """20 % off 100 and then 10: 70. As they are written, 10 off and then 20 %: 72."""
    ten, fifth = off("a", amount="10", applies_to=["api"]), off("b", percent="20", applies_to=["api"])
    assert charged([ten, fifth], "100")["api"] == 7000
    assert charged([{**ten, "order": "as_written"}, fifth], "100")["api"] == 7200
    assert charged([ten, {**fifth, "order": "as_written"}], "100")["api"] == 7200
    assert charged([fifth, off("c", percent="50", applies_to=["api"])], "100")["api"] == 4000


def test_an_amount_never_takes_a_line_below_zero() -> None:
    assert charged([off("a", amount="80"), off("b", amount="50")], "100", lines=[usage_line()]) == {"api": 0}
    assert charged([off(amount="1000")], "100") == {"fee": 0, "api": 0}
    cent = usage_line({"model": "per_unit", "unit": "0.014"})
    assert charged([off(amount="0.01")], "1", lines=[cent]) == {"api": 0}
    assert charged([off(amount="10")], "-5", lines=[usage_line()]) == {"api": 0}


@pytest.mark.parametrize(
    ("split", "parts"),
    [("largest_remainder", [34, 33, 33]), ("last", [33, 33, 34]), ("in_order", [100, 0, 0])],
)
def test_an_amount_over_several_lines_is_split_in_whole_minor_units(split: str, parts: list[int]) -> None:
    lines = [usage_line(key=key) for key in ("a", "b", "c")]
    found = charged([off(amount="1.00", split=split)], "5", "5", "5", lines=lines)
    assert [500 - minor for minor in found.values()] == parts


def test_line_by_line_goes_in_the_order_in_which_lines_are_written() -> None:
    """25 off lines of 10, 20 and 30; a period has its fees before its usage."""
    lines = [usage_line(key="a"), {**FEE, "amount": "20.00"}, usage_line(key="c")]
    assert charged([off(amount="25", split="in_order")], "10", "30", lines=lines) == {
        "a": 0,
        "fee": 500,
        "c": 3000,
    }


def test_what_a_line_has_no_room_for_goes_to_the_next() -> None:
    """A third of a cent each is left of three lines; one cent is off their 1.2 cents."""
    lines = [usage_line({"model": "per_unit", "unit": "0.004"}, key=key) for key in ("a", "b", "c")]
    steps = price(chain(terms(lines=lines, discounts=[off(amount="0.01")])), "1", "1", "1").steps
    assert [step.output for step in steps if step.op == "amount_off"] == [
        Decimal("-0.004"),
        Decimal("-0.004"),
        Decimal("-0.002"),
    ]


def test_units_are_taken_after_the_allowance_and_before_the_price() -> None:
    tiers = {"model": "graduated", "tiers": [{"up_to": "10", "unit": "2"}, {"unit": "1"}]}
    lines = [usage_line(tiers, included="5")]
    assert charged([off(units="3")], "20", lines=lines) == {"api": 2200}
    assert charged([off(units="100")], "20", lines=lines) == {"api": 0}
    assert charged([off("a", units="3"), off("b", units="4")], "20", lines=lines) == {"api": 1600}


def test_units_of_groups_are_taken_in_the_order_of_the_rates() -> None:
    rates = [{"region": "us", "unit": "2"}, {"region": "eu", "unit": "3"}]
    line = usage_line({"model": "matrix", "dimensions": ["region"], "rates": rates})
    versions = chain(terms(lines=[line], discounts=[off(units="15")]))
    usage: dict[Group, Decimal] = {(("region", "eu"),): Decimal(10), (("region", "us"),): Decimal(10)}
    assert amounts(price(versions, usage)) == {"api": 1500}


def test_a_line_is_cut_where_its_discount_begins_or_ends_and_its_last_day_is_whole() -> None:
    """15 days without and 16 with 10 % off; the last of the usage is on the 31st."""
    later = [off(percent="10", **{"from": "2026-01-16"})]
    assert charged(later, "40", "60") == {"fee": 15000 + 14400, "api": 4000 + 5400}
    versions = chain(terms(lines=[FEE, usage_line()], discounts=[off(percent="10", until="2026-01-15")]))
    assert [(need.start.day, need.end.day) for need in usage_needs(versions, JANUARY)] == [(1, 16), (16, 1)]
    unconcerned = chain(terms(discounts=[off(percent="10", applies_to=["recurring"], until="2026-01-15")]))
    assert len(usage_needs(unconcerned, JANUARY)) == 1


def test_an_instant_ends_a_discount_at_once_and_its_day_stays_with_it() -> None:
    noon = [off(percent="50", until="2026-01-16T12:00:00Z")]
    versions = chain(terms(lines=[FEE, usage_line()], discounts=noon))
    assert usage_needs(versions, JANUARY)[0].end == datetime(2026, 1, 16, 12, tzinfo=UTC)
    assert amounts(price(versions, "10", "10")) == {"fee": 8000 + 15000, "api": 1500}


def test_a_day_is_that_of_the_contract() -> None:
    versions = chain(terms(timezone="America/New_York", discounts=[off(percent="50", until="2026-01-15")]))
    assert usage_needs(versions, JANUARY)[0].end == datetime(2026, 1, 16, 5, tzinfo=UTC)


def test_of_an_amount_and_of_units_each_day_has_an_equal_part() -> None:
    """16 of 31 days of 31.00, and of 31 units; off what the lines cost while it holds, and no more."""
    later = {"from": "2026-01-16"}
    assert charged([off(amount="31.00", applies_to=["api"], **later)], "100", "100")["api"] == 20000 - 1600
    assert charged([off(amount="31.00", applies_to=["api"], **later)], "200", "10")["api"] == 20000
    assert charged([off(units="31", **later)], "100", "100")["api"] == 20000 - 1600
    changed = chain(
        terms(discounts=[off(amount="31.00")]),
        terms(discounts=[off(amount="62.00")], effective="2026-01-16"),
    )
    assert amounts(price(changed, "100", "100")) == {"api": 20000 - 1500 - 3200}


def test_an_amount_is_whole_in_a_part_period() -> None:
    late = chain(terms(term={"start": "2026-01-17", "months": 12}, discounts=[off(amount="10")]))
    stub = next(late[0].terms.calendar.periods())
    assert amounts(price(late, "100", period=stub)) == {"api": 9000}


def test_a_version_that_changes_a_discount_alone_lets_tiers_run_through() -> None:
    tiers = {"model": "graduated", "tiers": [{"up_to": "10", "unit": "2"}, {"unit": "1"}]}
    line = usage_line(tiers, on_change="restart", included="2")
    versions = chain(
        terms(lines=[line]),
        terms(lines=[line], discounts=[off(percent="50")], effective="2026-01-16"),
    )
    assert amounts(price(versions, "12", "10")) == {"api": 2000 + 500}


def test_a_later_stretch_that_lowers_the_price_takes_from_the_one_before() -> None:
    """A thousand at 1 and then one more at 0.50 each: 500.50 are left of the first, nothing of the second."""
    volume = {"model": "volume", "tiers": [{"up_to": "1000", "unit": "1"}, {"unit": "0.50"}]}
    first, second = (
        off("a", percent="10", until="2026-01-15"),
        off("b", percent="10", **{"from": "2026-01-16"}),
    )
    assert charged([first], "1000", "1", lines=[usage_line(volume)]) == {"api": 45045}
    assert charged([second], "1000", "1", lines=[usage_line(volume)]) == {"api": 50050}
    assert charged([first, second], "1000", "1", lines=[usage_line(volume)]) == {"api": 45045}


def test_the_words_of_discounts() -> None:
    discounts = [
        off("pilot", units="3", applies_to=["usage"]),
        off("deal", percent="12", approval="apr_01", in_exchange_for="24-month term"),
        off("credit", amount="20"),
    ]
    steps = price(chain(terms(lines=[usage_line(included="2"), FEE], discounts=discounts)), "105").steps
    assert [text_of(step) for step in steps] == [
        "310",
        "deal: 12 % off 310",
        "credit: 15.12 of 20.00 USD off, shared with api",
        "257.68 rounded half up to 257.68 USD",
        "calls: 105 under version 1",
        "105 used, 2 included or carried",
        "pilot: 3 units off",
        "100 at 1",
        "deal: 12 % off 100",
        "credit: 4.88 of 20.00 USD off, shared with fee",
        "83.12 rounded half up to 83.12 USD",
    ]


def test_the_finest_percentages_of_the_largest_amount_fit() -> None:
    dear = usage_line({"model": "per_unit", "unit": "9999999999.12345678901234567891"})
    cheap = usage_line({"model": "per_unit", "unit": "0.00000000000000000001"}, key="jobs", meter="jobs")
    finest = [off(f"d{number}", percent="0.00000000000000000001") for number in range(100)]
    finest += [off(f"e{number}", percent="99.99999999999999999999") for number in range(100)]
    versions = chain(terms(lines=[dear, cheap], discounts=finest))
    priced = price(versions, "9999999999999999999.999999999999", "0.000000000001")
    assert amounts(priced) == {"api": 0, "jobs": 0}
    left = priced.steps[-1].number("exact")
    assert Decimal(0) <= left < Decimal(1).scaleb(-30)


@pytest.mark.parametrize(
    ("written", "path", "code"),
    [
        ({}, "percent", "missing"),
        ({"percent": "5", "amount": "5"}, "amount", "more_than_one_measure"),
        ({"percent": "100.01"}, "percent", "over_100"),
        ({"percent": "-5"}, "percent", "negative"),
        ({"percent": 5.5}, "percent", "float_refused"),
        ({"amount": "10000000000000000000"}, "amount", "not_a_decimal"),
        ({"units": "-1"}, "units", "negative"),
        ({"percent": "5", "from": "2026-02-02", "until": "2026-02-01"}, "until", "until_before_from"),
        (
            {"percent": "5", "from": "2026-02-02", "until": "2026-02-02T00:00:00Z"},
            "until",
            "until_before_from",
        ),
        ({"percent": "5", "until": "2026-02-02T00:00:00"}, "until", "not_an_instant"),
        ({"percent": "5", "applies_to": []}, "applies_to", "too_short"),
        ({"percent": "5", "applies_to": ["api", "calls"]}, "applies_to[1]", "no_such_line"),
        ({"units": "5", "applies_to": ["fee"]}, "applies_to[0]", "no_units"),
        ({"units": "5", "applies_to": ["recurring"]}, "applies_to[0]", "no_units"),
        ({"amount": "5", "split": "evenly"}, "split", "unknown_value"),
        ({"percent": "5", "colour": "red"}, "colour", "unknown_key"),
    ],
)
def test_a_fault_of_a_discount_is_refused_with_its_path(
    written: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        parse_terms(document(lines=[FEE, usage_line()], discounts=[off(**written)]))
    assert {error["path"]: error["code"] for error in refused.value.errors} == {f"discounts[0].{path}": code}


def test_two_discounts_of_one_key_are_refused() -> None:
    with pytest.raises(TermsInvalid) as refused:
        terms(discounts=[off(percent="5"), off(amount="5")])
    assert [(error["path"], error["code"]) for error in refused.value.errors] == [
        ("discounts[1].key", "duplicate_key")
    ]


def test_a_default_written_out_is_the_same_terms() -> None:
    said = {"split": "largest_remainder", "order": "percent_first"}
    plain, spelled = terms(discounts=[off(percent="5")]), terms(discounts=[off(percent="5.0", **said)])
    assert content_hash(plain) == content_hash(spelled)
    assert content_hash(terms()) == content_hash(terms(discounts=[]))


quantities = st.decimals(min_value=0, max_value=10_000, places=3).map(str)
prices = st.one_of(*PRICES.values())
percents = st.decimals(min_value=0, max_value=100, places=2).map(str)


@given(written=prices, used=st.tuples(quantities, quantities), included=st.integers(0, 500))
def test_a_discount_of_nothing_changes_nothing(
    written: dict[str, Any], used: tuple[str, str], included: int
) -> None:
    lines = [usage_line(written, included=included)]
    nothing = [off("a", percent="0", until="2026-01-15"), off("b", amount="0"), off("c", units="0")]
    whole = price(chain(terms(lines=lines)), str(sum(map(Decimal, used))))
    assert charged(nothing, *used, lines=lines) == amounts(whole)


@given(written=prices, used=st.tuples(quantities, quantities), percent=percents, included=st.integers(0, 500))
def test_one_discount_after_the_other_is_one(
    written: dict[str, Any], used: tuple[str, str], percent: str, included: int
) -> None:
    lines = [usage_line(written, included=included)]
    halves = [
        off("a", percent=percent, until="2026-01-15"),
        off("b", percent=percent, **{"from": "2026-01-16"}),
    ]
    whole = charged([off(percent=percent)], str(sum(map(Decimal, used))), lines=lines)
    assert charged(halves, *used, lines=lines) == whole


# The same once more, in fractions and day by day.


@dataclass
class Off:
    """A discount as it holds in January: from a day until another, both included."""

    key: str
    kind: str
    said: Fraction
    lines: list[str]
    first: int
    last: int
    split: str

    @property
    def share(self) -> Fraction:
        """What falls on its days of its amount or units."""
        days = Fraction(max(self.last - self.first + 1, 0), 31)
        return rounded(self.said * days, 2 if self.kind == "amount" else 12)

    def holds(self, key: str, day: int) -> bool:
        return key in self.lines and self.first <= day <= self.last


def rounded(exact: Fraction, places: int) -> Fraction:
    return Fraction(floor(exact * 10**places + Fraction(1, 2)), 10**places)


def graduated(rows: list[dict[str, str]], quantity: Fraction) -> Fraction:
    cost, lower = Fraction(0), Fraction(0)
    for row in rows:
        upper = min(Fraction(row["up_to"]), quantity) if "up_to" in row else quantity
        if lower == 0 or quantity > lower:
            cost += (upper - lower) * Fraction(row["unit"]) + Fraction(row["flat"])
            lower = upper if "up_to" not in row or upper < Fraction(row["up_to"]) else Fraction(row["up_to"])
        if lower == quantity:
            break
    return cost


def by_day(line: dict[str, Any], used: list[int], discounts: list[Off]) -> list[Fraction]:
    """What each day of January adds to the cost of a line, before money is taken off."""
    if line["kind"] == "recurring":
        return [Fraction(line["amount"]) / 31] * 31
    costs, counted, taken, before = [], Fraction(0), Fraction(0), Fraction(0)
    has = {one.key: one.share for one in discounts if one.kind == "units"}
    for day in range(1, 32):
        counted += used[day - 1]
        now = max(counted - Fraction(line["included"]), Fraction(0)) - taken
        for one in discounts:
            if one.kind == "units" and one.holds(line["key"], day):
                less = min(has[one.key], now - before)
                has[one.key], now, taken = has[one.key] - less, now - less, taken + less
        earlier = graduated(line["price"]["tiers"], before) if day > 1 else Fraction(0)
        costs.append(graduated(line["price"]["tiers"], now) - earlier)
        before = now
    return costs


def split(amount: Fraction, lefts: list[Fraction], how: str) -> list[Fraction]:
    total = sum(lefts)
    if amount >= total:
        return lefts
    parts = [Fraction(0)] * len(lefts)
    if how != "in_order":
        wanted = [amount * left / total for left in lefts]
        parts = [Fraction(floor(part * 100), 100) for part in wanted]
        cents = int((amount - sum(parts)) * 100)
        if how == "last":
            parts[max(index for index, left in enumerate(lefts) if left)] += Fraction(cents, 100)
        else:
            rests = sorted(range(len(lefts)), key=lambda index: (parts[index] - wanted[index], index))
            for index in rests[:cents]:
                parts[index] += Fraction(1, 100)
        parts = [min(part, left) for part, left in zip(parts, lefts, strict=True)]
    for index, left in enumerate(lefts):
        parts[index] += min(left - parts[index], amount - sum(parts))
    return parts


def expected(lines: list[dict[str, Any]], used: list[int], discounts: list[Off]) -> dict[str, Fraction]:
    """What each line comes to, not rounded."""
    costs = {line["key"]: by_day(line, used, discounts) for line in lines}
    for one in discounts:
        days = {
            key: [day for day in range(31) if one.holds(key, day + 1)] for key in costs if key in one.lines
        }
        if one.kind == "percent":
            for key, held in days.items():
                for day in held:
                    costs[key][day] *= 1 - one.said / 100
        if one.kind == "amount":
            days = {key: held for key, held in days.items() if held}
            lefts = [sum((costs[key][day] for day in held), Fraction(0)) for key, held in days.items()]
            for (key, held), part in zip(days.items(), split(one.share, lefts, one.split), strict=True):
                for day in held:
                    less = min(costs[key][day], part)
                    costs[key][day], part = costs[key][day] - less, part - less
    return {key: sum(days, Fraction(0)) for key, days in costs.items()}


def measured(kind: str) -> st.SearchStrategy[dict[str, str]]:
    most = 100 if kind == "percent" else 2000
    return st.decimals(min_value=0, max_value=most, places=2).map(lambda said: {kind: str(said)})


january = st.dates(date(2025, 12, 25), date(2026, 2, 5))
LINES = [
    {"key": "api", "kind": "usage", "meter": "calls", "included": "100"},
    {"key": "fee", "kind": "recurring", "amount": "99.99"},
    {"key": "jobs", "kind": "usage", "meter": "jobs", "included": "0"},
]
TIERS = [{"up_to": "500", "unit": "1.5", "flat": "3"}, {"unit": "0.3333", "flat": "7"}]


@st.composite
def discounts(draw: st.DrawFn, name: str, first: int, last: int) -> tuple[list[dict[str, Any]], list[Off]]:
    """Up to four discounts of a version that is in force from a day of January until another."""
    written, read = [], []
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["percent", "amount", "units"]))
        begins, ends = sorted(draw(st.tuples(january, january)))
        meant = draw(st.lists(st.sampled_from(["api", "jobs"]), min_size=1, unique=True))
        if kind != "units" and draw(st.booleans()):
            meant = ["api", "fee", "jobs"]
        said: dict[str, Any] = {
            "key": f"{name}-{number}",
            **draw(measured(kind)),
            "applies_to": meant,
            "from": begins.isoformat(),
            "until": ends.isoformat(),
            "split": draw(st.sampled_from(["largest_remainder", "last", "in_order"])),
            "order": draw(st.sampled_from(["percent_first"] * 4 + ["as_written"])),
        }
        written.append(said)
        new_year = date(2025, 12, 31)
        days = max((begins - new_year).days, first), min((ends - new_year).days, last)
        in_order = [line["key"] for line in LINES if line["key"] in meant]
        read.append(Off(said["key"], kind, Fraction(said[kind]), in_order, *days, said["split"]))
    return written, read


@st.composite
def contracts(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Off]]:
    """One version, or a second one of other discounts from a day on; the discounts in the order they are taken in."""
    lines = [
        line if line["kind"] == "recurring" else {**line, "price": {"model": "graduated", "tiers": TIERS}}
        for line in LINES
    ]
    change = draw(st.integers(2, 31) | st.none())
    written, read = draw(discounts("old", 1, 31 if change is None else change - 1))
    versions: list[dict[str, Any]] = [{"lines": lines, "discounts": written}]
    if change is not None:
        more, later = draw(discounts("new", change, 31))
        versions.append({"lines": lines, "discounts": more, "effective": f"2026-01-{change:02}"})
        written, read = [*more, *written], [*later, *read]
    held = [one for one in read if one.first <= one.last]
    orders = {said["key"]: said["order"] for said in written}
    if not any(orders[one.key] == "as_written" for one in held):
        held = sorted(held, key=lambda one: one.kind != "percent")
    return versions, held


def again(step: Step) -> Fraction:
    """What a discount's step comes to, from its inputs alone."""
    if step.op == "units_off":
        return -Fraction(min(step.number("has"), step.number("left")))
    if step.op == "percent_off":
        return -rounded(Fraction(step.number("left")) * Fraction(step.number("percent")) / 100, 60)
    days, left = step.inputs["days"], step.inputs["left"]
    assert isinstance(days, int) and isinstance(left, Mapping)
    amount = rounded(Fraction(step.number("amount_days")) / days, 2)
    assert amount == Fraction(step.number("amount"))
    parts = split(amount, [Fraction(text) for text in left.values()], str(step.inputs["split"]))
    return -dict(zip(left, parts, strict=True))[str(step.inputs["line"])]


@given(contract=contracts(), used=st.dictionaries(st.integers(1, 31), st.integers(1, 400), max_size=6))
def test_discounts_come_to_the_same_in_fractions(
    contract: tuple[list[dict[str, Any]], list[Off]], used: dict[int, int]
) -> None:
    written, held = contract
    daily = [used.get(day, 0) for day in range(1, 32)]
    versions = chain(*(terms(**version) for version in written))
    usage: dict[Totals, dict[Group, Decimal]] = {
        need: {(): Decimal(sum(daily[(need.start - JANUARY.start).days : (need.end - JANUARY.start).days]))}
        for need in usage_needs(versions, JANUARY)
    }
    priced = price_period(versions, JANUARY, usage, explain=True)
    exact = expected(written[0]["lines"], daily, held)
    for line in priced.lines:
        steps = priced.explanation[line.line_id]
        said = next(step.number("exact") for step in steps if step.op == "settle")
        assert abs(Fraction(said) - exact[line.key]) < Fraction(1, 10**40), line.key
        assert sum(Fraction(step.amount or 0) for step in steps) == Fraction(line.amount_minor, 100)
        assert said >= 0
        for step in steps:
            assert not step.op.endswith("_off") or again(step) == Fraction(step.output), step


@pytest.mark.parametrize(
    ("measured", "minimum", "maximum", "charged_minor"),
    [
        ("after_discounts", "95", None, 9500),  # 90 are left, and lifted to 95
        ("before_discounts", "95", None, 9000),  # 100 are above 95
        ("before_discounts", "120", None, 11000),  # 20 are missing, beside the 90 that are left
        ("after_discounts", None, "80", 8000),  # 90 are left, and held to 80
        ("before_discounts", None, "80", 7200),  # 10 % off the 80 that it costs at most
    ],
)
def test_bounds_of_a_line_are_measured_after_discounts_or_before_them(
    measured: str, minimum: str | None, maximum: str | None, charged_minor: int
) -> None:
    bounds: dict[str, Any] = {
        name: said for name, said in (("minimum", minimum), ("maximum", maximum)) if said
    }
    line = usage_line(measured=measured, **bounds)
    priced = price(chain(terms(lines=[line], discounts=[off(percent="10")])), "100")
    assert amounts(priced) == {"api": charged_minor}
    assert sum(Fraction(step.amount or 0) for step in priced.steps) == Fraction(charged_minor, 100)


def test_units_are_taken_of_what_a_rolled_over_allowance_leaves() -> None:
    """40 of 100 are not used and roll over; of 250 then 140 cost nothing, and 30 are taken off the rest."""
    line = usage_line(included={"units": "100", "roll_over": True})
    versions = chain(terms(lines=[line], discounts=[off(units="30", **{"from": "2026-02-01"})]))
    february = period_between(date(2026, 2, 1), date(2026, 3, 1), "UTC")
    first = price(versions, "60")
    (need,) = usage_needs(versions, february)
    second = price_period(versions, february, {need: {(): Decimal(250)}}, first.closing)
    assert amounts(second) == {"api": 8000}


def test_a_discount_leaves_less_to_the_minimum_spend_and_to_the_cap() -> None:
    over = {"lines": [usage_line(), FEE], "discounts": [off(percent="10")]}
    least = chain(terms(**over, phases=[{"from": "2026-01-01", "minimum_spend": "400"}]))
    assert amounts(price(least, "100")) == {"fee": 27900, "api": 9000, "minimum_spend": 3100}
    most = chain(terms(**over, cap={"spend_per_period": "300"}))
    assert price(most, "100").subtotal_minor == 30000
