"""What the heard facts mean, on examples a person can check by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from services.signals.domain.consumption import consumptions
from services.signals.domain.renewal import renewal

START, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
STATEMENT = {
    "currency": "USD",
    "consumption": {"minimum_minor": "10000"},
    "lines": [
        {"key": "api", "kind": "usage", "quantity": "750", "amount_minor": 2500},
        {"key": "minimum", "kind": "minimum", "quantity": "1", "amount_minor": 7500},
    ],
}


def test_allowance_and_minimum_against_the_time_elapsed() -> None:
    terms = {
        "lines": [{"key": "api", "meter": "calls", "included": "1000"}, {"key": "seats", "meter": "seats"}]
    }
    allowance, minimum = consumptions(STATEMENT, terms, datetime(2026, 4, 16, tzinfo=UTC), START, END)
    assert (allowance.share, allowance.elapsed, allowance.pace) == (
        Decimal("0.75"),
        Decimal("0.5"),
        Decimal("1.5"),
    )
    assert (minimum.used, minimum.share) == (Decimal(2500), Decimal("0.25")), (
        "the top-up itself is not consumption"
    )


def test_a_zero_allowance_has_no_share_and_a_clock_before_the_period_no_pace() -> None:
    zero, _minimum = consumptions(
        STATEMENT, {"lines": [{"key": "api", "meter": "calls", "included": "0"}]}, END, START, END
    )
    assert zero.share is None and zero.pace is None
    early, _minimum = consumptions(
        STATEMENT, {"lines": [{"key": "api", "meter": "calls", "included": "1000"}]}, START, START, END
    )
    assert early.elapsed == 0 and early.pace is None


@pytest.mark.parametrize(
    ("today", "end", "due"),
    [
        (date(2013, 11, 1), date(2014, 1, 1), False),
        (date(2013, 11, 2), date(2014, 1, 1), True),
        (date(2014, 1, 1), date(2015, 1, 1), False),
    ],
)
def test_renewal_is_due_in_the_notice_window_and_auto_renewal_runs_on(
    today: date, end: date, due: bool
) -> None:
    found = renewal(
        {"term": {"start": "2013-01-01", "months": 12}, "renewal": {"auto": True, "notice_days": 60}}, today
    )
    assert found is not None and (found.term_end, found.due) == (end, due)


def test_a_term_of_months_ends_on_the_clamped_day() -> None:
    found = renewal(
        {"term": {"start": "2025-01-31", "months": 1}, "renewal": {"auto": False, "notice_days": 0}},
        date(2025, 2, 1),
    )
    assert found is not None and found.term_end == date(2025, 2, 28)


def test_without_an_end_or_a_renewal_clause_nothing_is_due() -> None:
    assert renewal({"term": {"start": "2025-01-01"}, "renewal": {"auto": True}}, date(2025, 2, 1)) is None
    assert renewal({"term": {"start": "2025-01-01", "months": 3}}, date(2025, 2, 1)) is None
