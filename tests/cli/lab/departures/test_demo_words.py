"""What the demo says to a person and to a log."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from lab.departures.report import show_waiting
from lab.departures.signals_report import risk_of, standing_of
from lab.verbs.demo import Months


class Invoices:
    """A client that has as many finalized invoices as it was asked before."""

    asked = 0

    async def pages(self, *_place: str, **_query: Any) -> AsyncIterator[dict[str, Any]]:
        self.asked += 1
        for n in range(self.asked):
            yield {"id": n}


async def test_off_a_terminal_every_month_says_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    months = Months(Invoices(), 1500)  # type: ignore[arg-type]
    for month, day in ((1, 20), (1, 31), (2, 1), (3, 1)):
        await months.sent(500, datetime(2013, month, day, tzinfo=UTC))
    assert capsys.readouterr().err.splitlines() == [
        "2013-01  1,000 of 1,500 messages  1 invoices closed",
        "2013-02  1,500 of 1,500 messages  2 invoices closed",
    ]


@pytest.mark.parametrize(
    ("standing", "says"),
    [
        (
            {"trend": "steady", "trend_change": "0.0000", "silent_since": "2013-11-30"},
            "silent since 2013-11-30",
        ),
        (
            {"trend": "steady", "trend_change": "-0.21", "trend_within_chance": True},
            "steady (-21 %, within chance)",
        ),
        ({"trend": "steady", "trend_change": "-0.05"}, "steady -5 %"),
        ({"trend": "drifting", "trend_change": "-0.27"}, "drifting -27 %"),
        ({"trend": "unknown", "trend_change": None}, "unknown"),
    ],
)
def test_silence_goes_before_the_trend_and_chance_is_said(standing: dict[str, Any], says: str) -> None:
    assert standing_of({"silent_since": None, "trend_within_chance": False, **standing}) == says


def test_a_score_says_in_words_whether_it_is_at_risk() -> None:
    """40 points that came down from 50 are at risk still, and those that came up to 40 are not."""
    assert [risk_of({"risk_score": 40, "at_risk": at_risk}) for at_risk in (True, False)] == [
        "40, at risk",
        "40",
    ]


def test_what_is_on_no_invoice_is_said_with_its_reason() -> None:
    screen = io.StringIO()
    money = [
        {"final": False, "currency": "USD", "period": {"start": "2014-01-01"}, "unbilled": amount}
        for amount in ("160000.00", "25000.00")
    ]
    rows: list[dict[str, Any]] = [
        {"customer": name, "subject": None, "suspense": [{}]} for name in ("AA", "B6", "AA")
    ]
    show_waiting(
        Console(file=screen, width=120),
        {
            "money": [
                *money,
                {"final": True, "currency": "USD", "period": {"start": "2013-12-01"}, "unbilled": "1.00"},
            ],
            "rows": rows,
            "totals": {"suspense": [{"currency": "USD", "amount": "11030300.00"}]},
        },
    )
    assert screen.getvalue().splitlines() == [
        "185,000.00 USD is 2014-01, still open: invoiced when its grace has ended.",
        "11,030,300.00 USD of 2 airlines waits for a contract (account executive).",
    ]
