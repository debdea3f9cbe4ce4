"""Fees with periods of their own in a monthly contract: due where each ends, counted over its days."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import TermsInvalid, VersionInForce, check_amendment, price_period
from shared.values.period import add_months
from tests.shared.pricing.contracts import amounts, chain, price, terms, usage_of

YEARLY = {"months": 12}


def fee(amount: str = "1200", **over: Any) -> dict[str, Any]:
    return {"key": "yearly", "kind": "recurring", "amount": amount, "every": YEARLY, **over}


def due(versions: tuple[VersionInForce, ...]) -> dict[str, int]:
    """Period after period of the contract, what is charged: its first day → minor units, where there is anything."""
    found = {}
    for period in versions[0].terms.calendar.periods():
        priced = price_period(versions, period, usage_of(versions, period=period))
        if priced.lines:
            found[period.start_date.isoformat()] = priced.subtotal_minor
    return found


def test_a_yearly_fee_is_due_with_the_month_in_which_its_year_ends() -> None:
    assert due(chain(terms(lines=[fee()]))) == {"2026-12-01": 120000, "2027-12-01": 120000}
    monthly = {"key": "monthly", "kind": "recurring", "amount": "10"}
    december = [period for period in terms().calendar.periods() if period.start_date == date(2026, 12, 1)]
    assert amounts(price(chain(terms(lines=[fee(), monthly])), period=december[0])) == {
        "yearly": 120000,
        "monthly": 1000,
    }


def test_its_year_begins_with_the_term_whatever_day_the_months_begin_on() -> None:
    """From 15 January 2026: the first year ends on 14 January 2027, within the month of the 1st."""
    versions = chain(terms(term={"start": "2026-01-15", "months": 24}, lines=[fee()]))
    assert due(versions) == {"2027-01-01": 120000, "2028-01-01": 120000}


def test_a_last_year_that_the_term_cuts_short_is_prorated_over_its_own_days() -> None:
    """January to June 2027 are 181 of 365 days."""
    versions = chain(terms(term={"start": "2026-01-01", "months": 18}, lines=[fee("365")]))
    assert due(versions) == {"2026-12-01": 36500, "2027-06-01": 18100}
    whole = chain(terms(term={"start": "2026-01-01", "months": 18}, lines=[fee("365", proration="none")]))
    assert due(whole) == {"2026-12-01": 36500, "2027-06-01": 36500}


def test_a_change_within_the_year_counts_by_its_days_and_a_line_that_goes_is_due_for_those_it_had() -> None:
    """From 1 July 2026 on 184 of 365 days are at the new price."""
    signed = terms(term={"start": "2026-01-01", "months": 12}, lines=[fee("365")])
    term = {"start": "2026-01-01", "months": 12}
    dearer = terms(term=term, lines=[fee("730")], effective="2026-07-01")
    assert due(chain(signed, dearer)) == {"2026-12-01": 18100 + 36800}
    without = terms(
        term=term, lines=[{"key": "other", "kind": "recurring", "amount": "0"}], effective="2026-07-01"
    )
    assert due(chain(signed, without))["2026-12-01"] == 18100


def test_its_bounds_and_percentages_are_those_of_its_year_and_an_amount_is_of_the_month() -> None:
    term = {"start": "2026-01-01", "months": 12}
    assert due(chain(terms(term=term, lines=[fee("365", maximum="300")]))) == {"2026-12-01": 30000}
    half = [{"key": "half", "percent": "50", "until": "2026-06-30"}]
    assert due(chain(terms(term=term, lines=[fee("365")], discounts=half))) == {"2026-12-01": 27450}
    amount = [{"key": "off", "amount": "10", "until": "2026-06-30"}]
    assert due(chain(terms(term=term, lines=[fee("365")], discounts=amount))) == {"2026-12-01": 36500}
    amount = [{"key": "off", "amount": "10"}]
    assert due(chain(terms(term=term, lines=[fee("365")], discounts=amount))) == {"2026-12-01": 35500}


def test_an_amendment_keeps_its_periods() -> None:
    with pytest.raises(TermsInvalid) as refused:
        check_amendment(terms(lines=[fee()]), terms(lines=[fee(every={"months": 6})], effective="2026-03-01"))
    (error,) = refused.value.errors
    assert (error["path"], error["code"]) == ("lines.yearly.every", "fixed_by_first_version")
    assert "12 months" in error["detail"]


@pytest.mark.parametrize(
    "over", [{"term": {"start": "2026-01-01", "months": 24}}, {"renewal": {"auto": True}}]
)
def test_a_term_is_put_off_before_it_ends_or_the_days_of_its_last_year_are_charged_twice(
    over: dict[str, Any],
) -> None:
    """181 days of 2027 are due as the term ends; were it put off then, the year would be due too."""
    term = {"start": "2026-01-01", "months": 18}
    signed = terms(term=term, lines=[fee("365")])
    later, earlier = (
        terms(**{"term": term, **over}, lines=[fee("365")], effective=day)
        for day in ("2027-07-01", "2027-06-30")
    )
    with pytest.raises(TermsInvalid) as refused:
        check_amendment(signed, later)
    (error,) = refused.value.errors
    assert (error["path"], error["code"]) == ("effective", "term_has_ended")
    check_amendment(signed, earlier)
    check_amendment(signed, terms(term=term, lines=[fee("365", description="x")], effective="2027-07-01"))
    due_in = {
        period.start_date: price(chain(signed, earlier), period=period).subtotal_minor
        for period in islice(earlier.calendar.periods(), 24)
    }
    assert {day: minor for day, minor in due_in.items() if minor} == {
        date(2026, 12, 1): 36500,
        date(2027, 12, 1): 36500,
    }


@pytest.mark.parametrize(
    ("every", "path", "code"),
    [
        ({"months": 0}, "every.months", "greater_than_equal"),
        ({"months": "12"}, "every.months", "int_type"),
        ({"days": 30}, "every.months", "missing"),
        ({}, "every.months", "missing"),
        ({"months": 10**4}, "every.months", "less_than_equal"),
    ],
)
def test_faults_of_an_interval(every: Any, path: str, code: str) -> None:
    with pytest.raises(TermsInvalid) as refused:
        terms(lines=[fee(every=every)])
    assert {error["path"]: error["code"] for error in refused.value.errors}[f"lines[0].{path}"] == code


@given(
    first=st.integers(0, 364),
    months=st.integers(1, 30),
    every=st.integers(1, 14),
    change=st.integers(1, 900),
    fees=st.tuples(st.integers(0, 10**5), st.integers(0, 10**5)),
)
def test_all_periods_together_are_those_of_an_oracle_in_fractions(
    first: int, months: int, every: int, change: int, fees: tuple[int, int]
) -> None:
    """Each day of the term costs its fee ÷ the days of the full own period that it lies in; each own period is rounded
    once, in yen."""
    start = date(2026, 1, 1) + timedelta(days=first)
    end, changes = add_months(start, months), start + timedelta(days=change)
    term, own = {"start": start.isoformat(), "months": months}, {"months": every}
    versions = [terms(currency="JPY", term=term, lines=[fee(str(fees[0]), every=own)])]
    if changes < end:
        line = fee(str(fees[1]), every=own)
        versions.append(terms(currency="JPY", term=term, lines=[line], effective=changes.isoformat()))
    expected, begins, number = [], start, 0
    while begins < end:
        number += 1
        ends = add_months(start, every * number)
        days = [begins + timedelta(days=n) for n in range((min(ends, end) - begins).days)]
        exact = Fraction(sum(fees[day >= changes] for day in days), (ends - begins).days)
        expected.append(int(exact + Fraction(1, 2)))
        begins = ends
    assert list(due(chain(*versions)).values()) == expected


def test_an_escalator_raises_it_within_its_year() -> None:
    """10 % more from 1 July 2026 on: 181 days at 365 and 184 at 401.50; then 441.65 and 485.82."""
    raised = [{"percent": "10", "every_months": 6}]
    versions = chain(terms(lines=[fee("365")], escalators=raised))
    assert due(versions) == {"2026-12-01": 18100 + 20240, "2027-12-01": 46391}


@pytest.mark.parametrize(
    ("every", "term", "month", "last"),
    [
        (1, {"start": "2026-01-31", "months": 24}, "2026-03-30", 1000),
        (12, {"start": "2026-01-31", "months": 13}, "2027-01-30", 77),
    ],
)
def test_two_periods_of_its_own_that_end_in_one_month_are_two_lines(
    every: int, term: dict[str, Any], month: str, last: int
) -> None:
    """From a 31st on, billed on the 30th: own periods end on 31 March and 30 April, both within the month of 30 March; and
    so do a year and the 28 of 365 days after it."""
    line = {"key": "own", "kind": "recurring", "amount": "10", "every": {"months": every}}
    off = [{"key": "off", "amount": "1.50"}]
    for cut, spend in ((None, 1000 + last), ({"spend_per_period": "5.01"}, 501)):
        versions = chain(
            terms(term=term, lines=[line], billing={"anchor_day": 30}, **({"cap": cut} if cut else {}))
        )
        period = next(one for one in versions[0].terms.calendar.periods() if str(one.start_date) == month)
        priced = price_period(versions, period, {}, explain=True)
        own = [line for line in priced.lines if line.key == "own"]
        assert sorted(one.amount_minor for one in own) == sorted([1000, last])
        assert len({one.line_id for one in priced.lines}) == len(priced.lines) == len(priced.difference)
        assert own[0].line_id != own[1].line_id and priced.subtotal_minor == spend
        assert priced.explanation.keys() == {one.line_id for one in priced.lines}
    cheaper = chain(terms(term=term, lines=[line], billing={"anchor_day": 30}, discounts=off))
    priced = price_period(cheaper, period, {}, explain=True)
    assert priced.subtotal_minor == 1000 + last - 150
    (left,) = {str(step.inputs["left"]) for step in priced.steps if step.op == "amount_off"}
    assert left.count("'") == 8, "both of them"
