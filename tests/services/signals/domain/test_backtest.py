"""The back-test judges by what came later, and only where it is known."""

from datetime import date, timedelta
from decimal import Decimal

from services.signals.domain.backtest import Said, backtest
from services.signals.domain.score_report import Judged, score_report

JANUARY, APRIL, JULY = date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1)


def days(first: date, end: date, events: int) -> dict[date, int]:
    return {first + timedelta(days=n): events for n in range((end - first).days)}


def test_a_fall_and_a_silence_are_lost_and_a_quarter_less_is_not() -> None:
    history = {
        "falls": days(JANUARY, APRIL, 100) | days(APRIL, JULY, 74),
        "quarter": days(JANUARY, APRIL, 100) | days(APRIL, JULY, 75),
        "silent": days(JANUARY, APRIL, 1) | days(APRIL, date(2024, 4, 20), 9),
        "grows": days(JANUARY, APRIL, 1) | days(APRIL, JULY, 9),
    }
    found = backtest([Said(name, APRIL, 60, name in ("falls", "grows")) for name in history], history, JULY)
    assert {one.said.customer: one.lost for one in found.judged} == {
        "falls": True,
        "quarter": False,
        "silent": True,
        "grows": False,
    }
    assert (found.precision, found.recall) == (Decimal("0.5"), Decimal("0.5"))
    assert (found.months[0].called, found.months[0].lost, found.months[0].called_and_lost) == (2, 2, 1)


def test_what_is_not_known_yet_is_not_judged() -> None:
    history = {"acme": days(JANUARY, JULY, 5)}
    found = backtest(
        [
            Said("acme", APRIL, 0, True),
            Said("acme", date(2024, 5, 1), 0, True),
            Said("nobody", APRIL, 0, True),
        ],
        history,
        JULY,
    )
    assert [one.lost for one in found.judged] == [False, None, None]
    assert found.precision == 0 and found.recall is None
    assert found.months[1].lost is None


def test_a_report_without_losses_divides_nothing() -> None:
    assert score_report([]).precision is None and score_report([]).recall is None
    assert score_report([Judged("c", "2025-01-01", True, "renewed")]).precision == 0
