"""Allowances that roll over: figures to check by hand, and an oracle in fractions over random periods."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rating.statements.domain.balances import from_stored, to_stored
from shared.pricing import Balances, ClauseNotPricedYet, TermsInvalid, UnitsBelowZero, price_period, text_of
from shared.pricing.balances import UnitsHandedOn, UnitsRolledOver
from shared.pricing.inputs import VersionInForce
from shared.values.period import BillingCalendar, ServicePeriod
from tests.shared.pricing.contracts import JANUARY, chain, price, terms, usage_line, usage_of


def months(start: str, count: int) -> list[ServicePeriod]:
    calendar = terms(term={"start": start, "months": 24}).calendar
    assert isinstance(calendar, BillingCalendar)
    return [period for period, _ in zip(calendar.periods(), range(count), strict=False)]


def billed(versions: Sequence[VersionInForce], periods: list[ServicePeriod], used: list[Any]) -> list[int]:
    """Price period after period, each opened by what the one before handed over; the units that are charged."""
    opening, found = Balances(), []
    for period, quantity in zip(periods, used, strict=True):
        priced = price_period(versions, period, usage_of(versions, quantity, period=period), opening)
        opening = from_stored(to_stored(priced.closing))
        found.append(int(sum(segment.priced for segment in priced.lines[0].segments)))
    return found


def rolling(units: str, roll_over: Any, **over: Any) -> dict[str, Any]:
    return usage_line(included={"units": units, "roll_over": roll_over}, **over)


@pytest.mark.parametrize(
    ("roll_over", "used", "charged"),
    [
        (False, [10, 110, 100], [0, 10, 0]),
        (True, [10, 150, 150], [0, 0, 10]),  # 90 go over, then 40
        (True, [0, 0, 350], [0, 0, 50]),  # what was rolled over rolls over again
        ({"max": "50"}, [10, 160, 100], [0, 10, 0]),
        ({"max": "50"}, [0, 0, 160], [0, 0, 10]),
        ({"min": "20"}, [110, 125, 0], [10, 5, 0]),
        ({"min": "50", "max": "50"}, [0, 160, 150], [0, 10, 0]),
    ],
)
def test_what_an_allowance_leaves_goes_into_the_next_period(
    roll_over: Any, used: list[int], charged: list[int]
) -> None:
    versions = chain(terms(lines=[rolling("100", roll_over)]))
    assert billed(versions, months("2026-01-01", 3), used) == charged


def test_a_part_period_rolls_over_what_its_days_leave() -> None:
    """15 of 31 days of 310 are 150; 60 of them go over."""
    versions = chain(terms(term={"start": "2026-01-17", "months": 24}, lines=[rolling("310", True)]))
    calendar = versions[0].terms.calendar
    first, second = [period for period, _ in zip(calendar.periods(), range(2), strict=False)]
    opened = price(versions, "90", period=first).closing
    assert opened == Balances(rolled_over=(UnitsRolledOver("api", Decimal(60)),))
    told = price_period(versions, second, usage_of(versions, "400", period=second), opened, explain=True)
    (segment,) = told.lines[0].segments
    assert (segment.allowance, segment.priced) == (Decimal(370), Decimal(30))
    assert "400 used, 370 included or carried, 60 rolled over among them" in map(text_of, told.steps)


def test_an_allowance_that_restarts_uses_what_was_rolled_over_once() -> None:
    """120 use the 100 of the first part and 20 of the 50 that were rolled over; the second has its own 100 and 30."""
    versions = chain(
        terms(lines=[rolling("100", True, on_change="restart")]),
        terms(
            lines=[rolling("100", True, on_change="restart", description="anew")],
            effective="2026-01-16",
        ),
    )
    opening = Balances(rolled_over=(UnitsRolledOver("api", Decimal(50)),))
    priced = price_period(versions, JANUARY, usage_of(versions, "120", "140"), opening)
    assert [segment.priced for segment in priced.lines[0].segments] == [0, 10]
    assert priced.closing == Balances()
    kept = price_period(versions, JANUARY, usage_of(versions, "120", "110"), opening).closing
    assert kept.rolled_over == (UnitsRolledOver("api", Decimal(20)),)


def test_units_below_zero_and_units_rolled_over_are_stored_side_by_side() -> None:
    both = Balances(
        below_zero=(
            UnitsBelowZero("b", (("region", "eu"),), Decimal("-1.5")),
            UnitsBelowZero("a", (), Decimal(-2)),
        ),
        rolled_over=(UnitsRolledOver("b", Decimal("0.25")), UnitsRolledOver("a", Decimal(7))),
    )
    stored = to_stored(both)
    assert stored == [
        ["a", [], "-2"],
        ["b", [["region", "eu"]], "-1.5"],
        {"row": "rolled_over", "line": "a", "units": "7"},
        {"row": "rolled_over", "line": "b", "units": "0.25"},
    ]
    again = from_stored(stored)
    assert {*again.below_zero, *again.rolled_over} == {*both.below_zero, *both.rolled_over}


def test_an_allowance_that_says_nothing_but_a_number_is_that_number() -> None:
    plain = terms(lines=[usage_line(included="100")]).lines[0].hash
    assert plain == "7459aef0752bd42755c1ee80da8f0607"
    for written in (
        {"units": "100"},
        {"units": 100, "per": "period"},
        {"units": "100.0", "roll_over": False, "per": "period"},
    ):
        assert terms(lines=[usage_line(included=written)]).lines[0].hash == plain
    one, other = (
        terms(lines=[rolling("100", said)]).lines[0].hash for said in (True, {"min": "0", "max": None})
    )
    assert one == other != plain


@pytest.mark.parametrize(
    ("included", "path", "code"),
    [
        ({"units": "1", "roll_over": {"min": "2", "max": "1"}}, "roll_over.min", "minimum_above_maximum"),
        ({"roll_over": True}, "units", "missing"),
        ({"units": 1.5}, "units", "float_refused"),
        ({"units": "1", "roll_over": {"most": "1"}}, "roll_over.most", "unknown_key"),
        ({"units": "1" + 19 * "0"}, "units", "not_a_decimal"),
    ],
)
def test_faults_of_an_allowance(included: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(TermsInvalid) as refused:
        terms(lines=[usage_line(included=included)])
    found = {error["path"]: error["code"] for error in refused.value.errors}
    assert found == {f"lines[0].included.{path}": code}


@pytest.mark.parametrize("per", ["day", "event"])
def test_an_allowance_a_day_or_an_event_is_refused_by_its_name(per: str) -> None:
    with pytest.raises(ClauseNotPricedYet, match=r"lines\[0\]\.included\.per"):
        terms(lines=[usage_line(included={"units": "1", "per": per})])


rolls = st.one_of(
    st.booleans(),
    st.tuples(st.integers(0, 80), st.integers(0, 80)).map(
        lambda pair: {"min": str(min(pair)), "max": str(max(pair))}
    ),
    st.integers(0, 80).map(lambda most: {"max": str(most)}),
    st.integers(0, 80).map(lambda least: {"min": str(least)}),
)


@given(
    units=st.integers(0, 100),
    roll_over=rolls,
    first=st.integers(1, 28),
    used=st.lists(st.integers(-50, 250), min_size=1, max_size=6),
)
def test_random_periods_are_those_of_an_oracle_in_fractions(
    units: int, roll_over: Any, first: int, used: list[int]
) -> None:
    """What is below zero is made up for before anything counts, in the oracle as in the code."""
    start = f"2026-01-{first:02}"
    versions = chain(terms(term={"start": start, "months": 24}, lines=[rolling(str(units), roll_over)]))
    opening, rolled, below = Balances(), Fraction(0), Fraction(0)
    for period, quantity in zip(months(start, len(used)), used, strict=True):
        priced = price_period(versions, period, usage_of(versions, quantity, period=period), opening)
        opening = from_stored(to_stored(priced.closing))
        total = below + quantity
        below, counted = min(total, Fraction(0)), max(total, Fraction(0))
        # a share of days has twelve decimals, half up
        own = Fraction(
            int(Fraction(units * period.billed_days * 10**12, period.whole_days) + Fraction(1, 2)), 10**12
        )
        covered = min(counted, own + rolled)
        assert sum(Fraction(segment.priced) for segment in priced.lines[0].segments) == counted - covered
        rolled = _rolled(roll_over, own + rolled - covered)


def _rolled(roll_over: Any, unused: Fraction) -> Fraction:
    if isinstance(roll_over, bool):
        return unused if roll_over else Fraction(0)
    least = max(unused, Fraction(roll_over.get("min", 0)))
    return min(least, Fraction(roll_over["max"])) if "max" in roll_over else least


@given(units=st.integers(0, 100), used=st.lists(st.integers(0, 300), min_size=2, max_size=6))
def test_no_unit_is_lost_or_covered_twice(units: int, used: list[int]) -> None:
    """Where all of it rolls over, a period is charged for what none before it left."""
    versions = chain(terms(lines=[rolling(str(units), True)]))
    charged = billed(versions, months("2026-01-01", len(used)), [*used])
    left = 0
    for quantity, due in zip(used, charged, strict=True):
        left += units
        assert due == max(quantity - left, 0)
        left = max(left - quantity, 0)


@pytest.mark.parametrize(
    ("below_zero", "handed_on", "used", "charged"),
    [(0, 3, 10, 13), (-5, 3, 10, 8), (-5, -3, 10, 2), (-5, 9, 0, 4), (0, -3, 2, 0)],
)
def test_what_corrections_hand_on_counts_with_what_is_used(
    below_zero: int, handed_on: int, used: int, charged: int
) -> None:
    versions = chain(terms(lines=[usage_line(included=None)]))
    opening = Balances(
        below_zero=(UnitsBelowZero("api", (), Decimal(below_zero)),) if below_zero else (),
        handed_on=(UnitsHandedOn("api", (), Decimal(handed_on)),),
    )
    assert from_stored(to_stored(opening)) == opening
    told = price_period(versions, JANUARY, usage_of(versions, str(used)), opening, explain=True)
    (segment,) = told.lines[0].segments
    assert (int(segment.quantity), int(segment.priced)) == (used, charged)
    assert segment.quantity == segment.allowance + segment.priced
    moved = sum(step.output for step in told.steps if step.op in ("quantity", "handed_on", "allowance"))
    assert moved == charged
    left = min(used + handed_on + below_zero, 0)
    assert told.closing.below_zero == ((UnitsBelowZero("api", (), Decimal(left)),) if left else ())
    assert not told.closing.handed_on


def test_what_is_missing_in_an_allowance_goes_on_where_it_has_no_more() -> None:
    versions = chain(terms(lines=[rolling("100", True)]))
    opening = Balances(rolled_over=(UnitsRolledOver("api", Decimal(-150)),))
    told = price_period(versions, JANUARY, usage_of(versions, "7"), opening)
    assert told.lines[0].segments[0].priced == 7
    assert told.closing == Balances(rolled_over=(UnitsRolledOver("api", Decimal(-50)),))
