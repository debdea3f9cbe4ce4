"""What of a period a fee is charged for: by days of 30 a month, by seconds, and how parts sum to the whole."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import PricedPeriod, TermsInvalid, VersionInForce, text_of
from shared.pricing.language import content_hash
from shared.pricing.lines.proration import Proration
from shared.values.decimals import EXACT
from shared.values.period import ServicePeriod, add_months, period_between
from tests.shared.pricing.contracts import amounts, chain, price, terms

HOWS = get_args(Proration)
NEW_YORK = "America/New_York"


def fee(how: str, amount: str = "30", **over: Any) -> dict[str, Any]:
    return {"key": "fee", "kind": "recurring", "amount": amount, "proration": how, **over}


def fees(priced: PricedPeriod) -> list[tuple[object, object]]:
    return [(step.inputs["days"], step.inputs["whole_days"]) for step in priced.steps if step.op == "fee"]


def part(first: date, last: date, whole: int, zone: str = "UTC") -> ServicePeriod:
    return period_between(first, last + timedelta(days=1), zone, whole_days=whole)


@pytest.mark.parametrize(
    ("how", "first", "last", "whole", "counted"),
    [
        ("day", date(2026, 1, 27), date(2026, 1, 31), 31, (5, 31)),
        ("day_30", date(2026, 1, 27), date(2026, 1, 31), 31, (5, 30)),
        ("strict_30", date(2026, 1, 27), date(2026, 1, 31), 31, (4, 30)),
        ("day_30", date(2026, 2, 27), date(2026, 2, 28), 28, (2, 30)),
        ("strict_30", date(2026, 2, 27), date(2026, 2, 28), 28, (4, 30)),
        ("strict_30", date(2026, 1, 31), date(2026, 1, 31), 31, (0, 30)),
        ("strict_30", date(2026, 6, 23), date(2026, 7, 14), 30, (22, 30)),
        ("day_30", date(2026, 2, 1), date(2026, 2, 28), 28, (30, 30)),
        ("strict_30", date(2026, 2, 1), date(2026, 2, 28), 28, (30, 30)),
        ("day_30", date(2026, 1, 1), date(2026, 1, 31), 31, (30, 30)),
        ("day_30", date(2026, 1, 1), date(2026, 1, 30), 31, (30, 30)),
        ("second", date(2026, 1, 27), date(2026, 1, 31), 31, (5 * 86_400, 31 * 86_400)),
        ("none", date(2026, 1, 27), date(2026, 1, 31), 31, (1, 1)),
    ],
)
def test_what_of_a_month_is_counted(
    how: str, first: date, last: date, whole: int, counted: tuple[int, int]
) -> None:
    priced = price(chain(terms(lines=[fee(how)])), period=part(first, last, whole))
    assert fees(priced) == [counted]
    exact = priced.lines[0].segments[0].exact
    assert (
        exact == 30
        if counted[0] == counted[1]
        else abs(Fraction(exact) - Fraction(30 * counted[0], counted[1])) < Fraction(1, 10**40)
    )


def test_a_fee_by_the_second_changes_at_the_instant_and_knows_short_days() -> None:
    """March 2026 has 23 hours on the 8th in New York: 743 in all, of which 12 of the 16th day were at the old price."""
    versions = chain(
        terms(timezone=NEW_YORK, lines=[fee("second", "743")]),
        terms(timezone=NEW_YORK, lines=[fee("second", "1486")], effective="2026-03-16T12:00:00-04:00"),
    )
    march = part(date(2026, 3, 1), date(2026, 3, 31), 31, NEW_YORK)
    old = 15 * 24 - 1 + 12
    priced = price(versions, period=march)
    assert amounts(priced) == {"fee": 100 * (old + 2 * (743 - old))}
    assert fees(priced) == [(old * 3600, 743 * 3600), ((743 - old) * 3600, 743 * 3600)]
    said = [text_of(step) for step in priced.steps if step.op == "fee"]
    assert said[0] == "743 × 1335600 of 2674800 seconds"


def test_a_second_belongs_to_what_is_in_force_when_it_begins() -> None:
    versions = chain(
        terms(lines=[fee("second")]),
        terms(lines=[fee("second", "60")], effective="2026-01-01T00:00:00.250Z"),
    )
    assert fees(price(versions)) == [(1, 2_678_400), (2_678_399, 2_678_400)]


def test_a_yearly_fee_has_twelve_months_of_thirty_days() -> None:
    term = {"start": "2026-01-01", "months": 18}
    versions = chain(terms(term=term, lines=[fee("strict_30", "360", every={"months": 12})]))
    june = part(date(2027, 6, 1), date(2027, 6, 30), 30)
    assert fees(price(versions, period=june)) == [(180, 360)]
    assert amounts(price(versions, period=june)) == {"fee": 18000}


def test_the_fee_first_in_force_says_how_the_period_is_counted() -> None:
    versions = chain(
        terms(lines=[fee("strict_30")]), terms(lines=[fee("second", "60")], effective="2026-01-11")
    )
    assert fees(price(versions)) == [(10, 30), (20, 30)]
    assert amounts(price(versions)) == {"fee": 1000 + 4000}


def test_by_the_day_is_the_default_and_another_word_is_refused_with_those_there_are() -> None:
    plain = {"key": "fee", "kind": "recurring", "amount": "30"}
    assert content_hash(terms(lines=[plain])) == content_hash(terms(lines=[fee("day")]))
    with pytest.raises(TermsInvalid) as refused:
        terms(lines=[fee("hour")])
    (error,) = refused.value.errors
    assert (error["path"], error["code"]) == ("lines[0].proration", "unknown_value")
    assert "strict_30" in error["detail"]


moments = st.integers(0, 31 * 24 * 60).map(
    lambda gone: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=gone)
)


@given(how=st.sampled_from(HOWS), cuts=st.lists(moments, max_size=5), start=st.integers(1, 31))
def test_a_fee_that_is_cut_and_stays_the_same_is_what_it_was(
    how: str, cuts: list[datetime], start: int
) -> None:
    """In a whole month and in a part of one."""
    month = part(date(2026, 1, start), date(2026, 1, 31), 31)
    signed = terms(lines=[fee(how)])
    renamed = [terms(lines=[fee(how, description=f"No. {n}")], effective=at) for n, at in enumerate(cuts)]
    assert amounts(price(chain(signed, *renamed), period=month)) == amounts(
        price(chain(signed), period=month)
    )


@given(how=st.sampled_from(HOWS), start=st.integers(1, 31), months=st.integers(0, 11), day=st.integers(1, 30))
def test_parts_of_a_period_are_no_more_than_it_and_a_later_end_is_no_less(
    how: str, start: int, months: int, day: int
) -> None:
    """Months that begin on any day; the line goes away on some day of one."""
    first = add_months(date(2026, 1, start), months)
    after = add_months(date(2026, 1, start), months + 1)
    whole = period_between(first, after, "UTC")
    found = []
    for gone in sorted({day, day + 1, whole.whole_days}):
        at = first + timedelta(days=min(gone, whole.whole_days))
        versions = [terms(lines=[fee(how)], term={"start": "2025-01-01", "months": 99})]
        if first < at < after:
            other = {"key": "other", "kind": "recurring", "amount": "0"}
            versions.append(
                terms(lines=[other], effective=at.isoformat(), term={"start": "2025-01-01", "months": 99})
            )
        found.append(_exact(chain(*versions), whole))
    assert found == sorted(found) and found[-1] == 30


def _exact(versions: tuple[VersionInForce, ...], period: ServicePeriod) -> Decimal:
    with localcontext(EXACT):
        lines = [line for line in price(versions, period=period).lines if line.key == "fee"]
        return sum([one.exact for line in lines for one in line.segments], Decimal(0))
