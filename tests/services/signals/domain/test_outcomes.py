"""What became of a term is judged by the rule as it is written, and the score by what became of terms."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.intervals import wilson
from services.signals.domain.outcomes import (
    Aftermath,
    Outcome,
    SettledPeriod,
    Term,
    judge,
    longest_silence,
    settled_between,
)
from services.signals.domain.score_report import RenewalTold, score_report
from shared.values.period import add_months

END = date(2025, 1, 1)
TERM, OVER = Term("acme-2024", END, True), Term("acme-2024", END, False)
DAYS = [END + timedelta(days=n) for n in range((TERM.after - END).days)]
ALL = frozenset(DAYS)
YEAR = date(2024, 1, 1)


def months(before: int, after: int, code: str = "USD") -> tuple[SettledPeriod, ...]:
    """Each of six months settles as much as the others of its side."""
    return tuple(
        SettledPeriod(
            add_months(END, n), add_months(END, n + 1) - timedelta(days=1), code, before if n < 0 else after
        )
        for n in range(-3, 3)
    )


def silent(days: int, from_day: int = 10) -> frozenset[date]:
    """Use on each day but so many."""
    return ALL - frozenset(DAYS[from_day : from_day + days])


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (100, 74, "contracted"),
        (100, 75, "renewed"),
        (100, 125, "renewed"),
        (100, 126, "expanded"),
        (0, 0, "renewed"),
        (0, 1, "expanded"),
        (1, 0, "contracted"),
        (-50, -10, "renewed"),
    ],
)
def test_money_is_compared_exactly_at_both_edges(before: int, after: int, outcome: str) -> None:
    found = judge(TERM, Aftermath(ALL, months(before, after)))
    assert found.outcome == outcome
    if before > 0:
        assert (found.currency, found.before_minor, found.after_minor) == ("USD", 3 * before, 3 * after)


@pytest.mark.parametrize(
    ("used_on", "outcome", "longest"),
    [
        (silent(59), "expanded", 59),
        (silent(60), "churned", 60),
        (silent(60, 0), "churned", 60),
        (silent(60, len(DAYS) - 60), "churned", 60),
        (frozenset(), "churned", len(DAYS)),
        (ALL - {DAYS[40]}, "expanded", 1),
        (None, "expanded", None),
    ],
)
def test_sixty_days_without_use_are_a_loss_whatever_is_paid(
    used_on: frozenset[date] | None, outcome: str, longest: int | None
) -> None:
    found = judge(TERM, Aftermath(used_on, months(1, 2)))
    assert (found.outcome, found.silent_days) == (outcome, longest)


def test_a_contract_that_is_over_is_lost_unless_its_customer_settles_something_else() -> None:
    assert judge(OVER, Aftermath(ALL, months(100, 0))).outcome == "churned"
    assert judge(OVER, Aftermath(ALL, ())).outcome == "churned"
    young = Aftermath(ALL, months(100, 50), is_older=False)
    assert judge(OVER, young).outcome == "renewed", (
        "something is settled, and nothing is there to compare it with"
    )
    assert judge(OVER, Aftermath(ALL, months(100, 100))).outcome == "renewed"
    assert judge(OVER, Aftermath(ALL, months(100, 50))).outcome == "contracted"


def test_what_cannot_be_compared_is_renewed_and_shows_no_amount() -> None:
    for known in (
        Aftermath(ALL, months(100, 0), is_older=False),
        Aftermath(ALL, ()),
        Aftermath(ALL, months(100, 0, "USD") + months(0, 100, "EUR")),
    ):
        found = judge(TERM, known)
        assert (found.outcome, found.before_minor, found.after_minor) == ("renewed", None, None)
    assert judge(TERM, Aftermath(ALL, months(100, 10) + months(0, 0, "EUR"))).outcome == "contracted"


def test_a_period_that_lies_across_the_terms_end_counts_on_both_sides_by_its_days() -> None:
    """310 on the 31 days from 17 December: 15 before the end, 16 after it."""
    across = SettledPeriod(date(2024, 12, 17), date(2025, 1, 16), "USD", 310)
    found = judge(TERM, Aftermath(ALL, (across,)))
    assert (found.before_minor, found.after_minor, found.outcome) == (150, 160, "renewed")


@given(st.frozensets(st.sampled_from(DAYS), max_size=12), st.integers(0, 80), st.integers(0, 80))
def test_the_longest_silence_is_that_of_a_search_over_all_spans(
    used_on: frozenset[date], first: int, span: int
) -> None:
    end = min(first + span, len(DAYS))
    expected = max(
        (
            to - at
            for at in range(first, end + 1)
            for to in range(at, end + 1)
            if not used_on & set(DAYS[at:to])
        ),
        default=0,
    )
    assert (
        longest_silence(used_on, DAYS[first], DAYS[first] + timedelta(days=max(end - first, 0))) == expected
    )


periods = st.builds(
    lambda start, days, minor: SettledPeriod(
        YEAR + timedelta(days=start), YEAR + timedelta(days=start + days), "USD", minor
    ),
    st.integers(0, 400),
    st.integers(0, 60),
    st.integers(-1000, 1000),
)


@given(st.lists(periods, max_size=6), st.lists(st.integers(0, 470), min_size=2, max_size=6))
def test_what_is_settled_of_days_is_the_sum_over_each_day(
    settled: list[SettledPeriod], edges: list[int]
) -> None:
    """By an oracle that gives each day its share; and spans that follow one another sum to the whole."""
    bounds = [YEAR + timedelta(days=edge) for edge in sorted(edges)]
    first, end = bounds[0], bounds[-1]
    by_day = Fraction()
    for one in settled:
        length = (one.end - one.start).days + 1
        by_day += sum(
            Fraction(one.minor, length) for n in range(length) if first <= one.start + timedelta(days=n) < end
        )
    assert settled_between(settled, first, end) == by_day
    assert sum(settled_between(settled, at, to) for at, to in pairwise(bounds)) == by_day


@given(st.integers(1, 400), st.data())
def test_the_interval_holds_the_share_and_solves_what_it_is_defined_by(
    whole: int, data: st.DataObject
) -> None:
    """Wilson's: its ends are the shares p of which the counted one is 1.96 standard errors of p away."""
    part = data.draw(st.integers(0, whole))
    found = wilson(part, whole)
    assert found is not None and 0 <= found.low <= Decimal(part) / whole <= found.high + Decimal(
        "0.0001"
    ) <= Decimal(2)
    for end in (float(found.low), float(found.high)):
        if 0.001 < end < 0.999:
            away = abs(part / whole - end) / sqrt(end * (1 - end) / whole)
            assert away == pytest.approx(1.96, abs=0.2 if end < 0.02 or end > 0.98 else 0.05)


def renewal(
    number: int, at_risk: bool, named: Outcome | None, judged: Outcome | None, customer: str = "acme"
) -> RenewalTold:
    return RenewalTold(f"c{number}", customer, END, at_risk, named, judged)


def test_a_report_counts_what_stands_and_says_on_whom_it_rests() -> None:
    found = score_report(
        [
            renewal(1, True, "churned", "renewed"),
            renewal(2, True, None, "contracted"),
            renewal(3, True, "renewed", None),
            renewal(4, False, None, "churned", "beta"),
            renewal(5, False, None, "renewed", "beta"),
            renewal(6, True, None, None, "gamma"),
        ]
    )
    assert (found.judged, found.called, found.lost, found.called_and_lost) == (5, 3, 3, 2)
    assert (found.precision, found.recall) == (Decimal("0.6667"), Decimal("0.6667"))
    assert found.precision_interval is not None and found.precision_interval == found.recall_interval
    assert (found.precision_interval.low, found.precision_interval.high) == (
        Decimal("0.2077"),
        Decimal("0.9385"),
    )
    assert found.outcomes == {"renewed": 2, "expanded": 0, "contracted": 1, "churned": 2, "open": 1}
    assert (found.named, found.named_otherwise, found.customers) == (2, 1, 2)
    assert found.largest is not None and (found.largest.customer, found.largest.renewals) == ("acme", 3)
    assert found.largest.share == Decimal("0.6")


def test_a_report_without_losses_divides_nothing() -> None:
    empty = score_report([])
    assert empty.precision is None and empty.recall is None and empty.recall_interval is None
    assert empty.largest is None and not any(empty.outcomes.values())
    found = score_report([renewal(1, True, None, "renewed")])
    assert found.precision == 0 and found.recall is None
