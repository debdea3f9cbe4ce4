"""The back-test judges by what came later, and only where it is known."""

from datetime import date, timedelta
from decimal import Decimal

from services.signals.domain.backtest import Backtest, Said, backtest
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.sections import Score

JANUARY, APRIL, JULY = date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1)


def days(first: date, end: date, events: int) -> dict[date, int]:
    return {first + timedelta(days=n): events for n in range((end - first).days)}


def judged(said: list[Said], history: dict[str, dict[date, int]], known_until: date) -> Backtest:
    return backtest(said, {name: Counts(found.items()) for name, found in history.items()}, known_until)


def test_a_fall_and_a_silence_are_lost_and_a_quarter_less_is_not() -> None:
    history = {
        "falls": days(JANUARY, APRIL, 100) | days(APRIL, JULY, 74),
        "quarter": days(JANUARY, APRIL, 100) | days(APRIL, JULY, 75),
        "silent": days(JANUARY, APRIL, 1) | days(APRIL, date(2024, 4, 20), 9),
        "grows": days(JANUARY, APRIL, 1) | days(APRIL, JULY, 9),
    }
    found = judged([Said(name, APRIL, 60, name in ("falls", "grows")) for name in history], history, JULY)
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
    found = judged(
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


def test_a_fall_within_chance_is_no_loss_and_who_is_gone_cannot_be_lost_again() -> None:
    """Of one a week, twelve and then eight: chance. Who was silent for the whole quarter before is not judged."""
    weekly = {JANUARY + timedelta(days=7 * n): 1 for n in range(21)}
    gone = days(date(2023, 10, 1), date(2023, 12, 31), 5)
    found = judged(
        [Said("weekly", APRIL, 0, False), Said("gone", APRIL, 70, True)],
        {"weekly": weekly, "gone": gone},
        JULY,
    )
    assert {one.said.customer: one.lost for one in found.judged} == {"weekly": False, "gone": None}


def test_a_month_without_three_before_it_is_not_judged() -> None:
    history = {"acme": days(JANUARY, date(2024, 10, 1), 5)}
    found = judged(
        [Said("acme", date(2024, month, 1), 0, False) for month in (3, 4, 7)], history, date(2024, 10, 1)
    )
    assert [one.lost for one in found.judged] == [None, False, False]


def test_the_points_are_measured_beside_the_calendar() -> None:
    """Two of four are lost; the points put one of them first, and one that stays second."""
    history = {
        name: days(JANUARY, APRIL, 9) | days(APRIL, date(2024, 4, 15) if name < "c" else JULY, 9)
        for name in "abcd"
    }
    said = [Said(name, APRIL, score, False) for name, score in zip("abcd", (60, 10, 30, 0), strict=True)]
    worth = judged(said, history, JULY).worth
    points, calendar = worth.scores[Score.POINTS], worth.scores[Score.CALENDAR]
    assert (worth.months, worth.losses, worth.base_rate) == (4, 2, 0.5)
    assert points is not None and points.found.auc == 0.75 and points.intervals["auc"] is not None
    assert calendar is not None and calendar.found.auc == 0.5, "all were seen yesterday"
