"""What the heard facts mean, on examples a person can check by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from services.signals.domain.consumption import consumptions
from services.signals.domain.renewal import renewal
from services.signals.domain.statement import StatementLine
from shared.pricing.lines import KINDS, PRICED_KINDS
from tests.services.signals.contracts import statement
from tests.shared.pricing.contracts import terms, usage_line

START, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
STATEMENT = statement(
    START.date(),
    END.date(),
    {"minimum_minor": "10000"},
    [
        {"key": "api", "kind": "usage", "quantity": "750", "amount_minor": 2500},
        {"key": "minimum", "kind": "minimum", "quantity": "1", "amount_minor": 7500},
    ],
)


def test_allowance_and_minimum_against_the_time_elapsed() -> None:
    agreed = terms(lines=[usage_line(included="1000"), usage_line(key="seats", meter="seats")])
    allowance, minimum = consumptions(STATEMENT, agreed, datetime(2026, 4, 16, tzinfo=UTC))
    assert (allowance.share, allowance.elapsed, allowance.pace) == (
        Decimal("0.75"),
        Decimal("0.5"),
        Decimal("1.5"),
    )
    assert (minimum.used, minimum.share) == (Decimal(2500), Decimal("0.25")), (
        "the top-up itself is not consumption"
    )


def test_an_allowance_is_what_the_statement_says_and_what_is_used_is_as_it_is_converted() -> None:
    """A thousand and five hundred that were rolled over; 750 calls are seven hundreds and a half."""
    line = usage_line(included="1000", convert={"divide": "100"})
    said = msgspec.structs.replace(
        STATEMENT, consumption={**STATEMENT.consumption, "included:api": Decimal(1500)}
    )
    allowance, _minimum = consumptions(said, terms(lines=[line]), END)
    assert allowance.capacity == 1500 and allowance.used == Decimal("7.5")


@pytest.mark.parametrize("kind", [kind for kind in PRICED_KINDS if kind not in KINDS])
def test_what_pricing_adds_is_no_consumption_whatever_it_is_called(kind: str) -> None:
    added = msgspec.structs.replace(
        STATEMENT, lines=(*STATEMENT.lines, StatementLine("api", kind, Decimal(1), 9000))
    )
    agreed = terms(lines=[usage_line(included="1000")])
    assert consumptions(added, agreed, END) == consumptions(STATEMENT, agreed, END)


def test_a_zero_allowance_has_no_share_and_a_clock_before_the_period_no_pace() -> None:
    zero, _minimum = consumptions(STATEMENT, terms(lines=[usage_line(included="0")]), END)
    assert zero.share is None and zero.pace is None
    early, _minimum = consumptions(STATEMENT, terms(lines=[usage_line(included="1000")]), START)
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
    agreed = terms(term={"start": "2013-01-01", "months": 12}, renewal={"auto": True, "notice_days": 60})
    found = renewal(agreed, today)
    assert (found.term_end, found.due) == (end, due)


def test_a_term_of_months_ends_on_the_clamped_day() -> None:
    agreed = terms(term={"start": "2025-01-31", "months": 1}, renewal={"auto": False, "notice_days": 0})
    assert renewal(agreed, date(2025, 2, 1)).term_end == date(2025, 2, 28)


def test_without_a_renewal_clause_nothing_is_ever_due() -> None:
    agreed = terms(term={"start": "2025-01-01", "months": 3})
    days = [date(2024, 12, 1) + timedelta(days=number) for number in range(200)]
    assert {renewal(agreed, day).term_end for day in days} == {date(2025, 4, 1)}, "there is no further term"
    assert not any(renewal(agreed, day).due for day in days)
