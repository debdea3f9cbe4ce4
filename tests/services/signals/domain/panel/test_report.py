"""Reports of panels: who is judged when, what was known then, and what is said where nothing can be told."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.signals.domain.customer_day import Customer, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.customer_months import customer_months, every_nth, features_at, months_of
from services.signals.domain.panel.panel import Panel, RecordedOutcome
from services.signals.domain.panel.report import PanelReport, panel_report
from services.signals.domain.panel.sections import Label, Score
from services.signals.domain.panel.words import about_the_panel, about_the_section
from services.signals.domain.risk_probability import as_share
from services.signals.domain.rollup import fresh
from services.signals.domain.state import CustomerState
from services.signals.settings import read_policy

JANUARY, END = date(2023, 1, 1), date(2024, 1, 1)


def counts(events: int, first: date = JANUARY, end: date = END, every: int = 1) -> Counts:
    return Counts((first + timedelta(days=n), events) for n in range(0, (end - first).days, every))


def panel(**customers: Counts) -> Panel:
    return Panel("tried", customers, JANUARY, END)


def report(of: Panel) -> PanelReport:
    return panel_report(of, read_policy())


def said(of: PanelReport) -> str:
    return " ".join([*about_the_panel(of), *about_the_section(of, of.judged)])


def leaving(many: int, gone: int) -> dict[str, Counts]:
    """Customers with a rhythm each, the first `gone` of whom stop one after the other from May on."""
    draw = random.Random(3)
    return {
        f"c{number:03}": counts(
            draw.randrange(3, 30),
            end=JANUARY + timedelta(days=120 + number * 3) if number < gone else END,
            every=draw.choice([1, 1, 2, 7]),
        )
        for number in range(many)
    }


def test_a_month_is_judged_with_three_before_it_and_three_after() -> None:
    assert months_of(panel()) == [date(2023, month, 1) for month in range(4, 11)]
    assert months_of(Panel("late", {}, date(2023, 1, 2), END))[0] == date(2023, 5, 1)
    assert months_of(Panel("short", {}, JANUARY, date(2023, 6, 30))) == []
    assert months_of(Panel("just", {}, JANUARY, date(2023, 7, 1))) == [date(2023, 4, 1)]


def test_only_who_used_it_of_late_and_on_eight_days_is_judged() -> None:
    days = [JANUARY + timedelta(days=number) for number in range(8)]
    found = panel(
        eight=Counts((day, 1) for day in days),
        seven=Counts((day, 1) for day in days[1:]),
        late=counts(1, first=date(2023, 4, 1)),
    )
    judged = [(one.customer, one.at.month) for one in customer_months(found)]
    assert ("eight", 4) in judged and ("eight", 5) not in judged, (
        "8 January is 83 days before April, 113 before May"
    )
    assert not any(name == "seven" for name, _ in judged)
    assert ("late", 4) not in judged and ("late", 5) in judged


def test_what_is_known_of_a_customer_as_a_month_begins() -> None:
    """Every second day of January to March, then silent: on 1 May 30 days, of 120 since the first with 45 of use."""
    features = features_at(counts(4, end=date(2023, 4, 1), every=2), date(2023, 5, 1))
    assert (features.silent_days, features.new, features.days_since_first_use) == (31, 0, 120)
    assert features.gone == pytest.approx(1 - 2.718281828 ** -(31 * 45 / 120), abs=1e-6)
    assert features.score == max(features.fall, features.gone)


@pytest.mark.parametrize("name", [f"c{number:03}" for number in range(6)])
def test_score_p_on_a_panel_is_the_one_that_the_daily_evaluation_says(name: str) -> None:
    found, state, at = leaving(6, 4)[name], CustomerState(), date(2023, 8, 1)
    rollup = fresh("use", JANUARY)
    customer = Customer(name, name, "UTC", {"use": rollup}, {"use": Meter(True, "use")}, [])
    for number in range((at - JANUARY).days + 1):
        day = JANUARY + timedelta(days=number)
        evaluated = evaluate(Known(customer, day, None, read_policy()), state)
        state = evaluated.state
        for used, events in found.used_between(day, day + timedelta(days=1)):
            rollup.add(used, events, Decimal(events))
    assert Decimal(evaluated.document["score_p"]) == as_share(features_at(found, at).score)


def test_a_gap_is_no_use_and_the_report_says_so() -> None:
    of = report(panel(daily=counts(3), weekly=counts(3, every=7)))
    assert of.share_without_use == pytest.approx(1 - (365 + 53) / 730)
    assert "A day without a row counts as no use: so 43%" in said(of)


def test_a_silence_and_a_fall_are_lost_and_steady_use_is_not() -> None:
    falls = [(JANUARY + timedelta(days=n), 10 if n < 181 else 5) for n in range(365)]
    of = customer_months(panel(falls=Counts(falls), stops=counts(9, end=date(2023, 7, 1)), stays=counts(9)))
    assert {(one.customer, one.lost) for one in of if one.at == date(2023, 7, 1)} == {
        ("falls", True),
        ("stops", True),
        ("stays", False),
    }


def test_a_fall_of_everybody_is_nobodys_loss_of_the_book() -> None:
    halved = [(JANUARY + timedelta(days=n), 10 if n < 181 else 5) for n in range(365)]
    of = customer_months(panel(**{f"c{number}": Counts(halved) for number in range(5)}))
    july = [one for one in of if one.at == date(2023, 7, 1)]
    assert all(one.lost for one in july) and not any(one.lost_of_the_book for one in july)


def test_what_is_fitted_has_seen_only_what_had_ended() -> None:
    """Months from July on are judged, with what ended before them; April to June stand beside."""
    of = report(panel(**leaving(40, 30)))
    assert [day.month for day in of.judged.at] == [7, 8, 9, 10] and of.judged.is_fitted
    assert of.unfitted is not None and [day.month for day in of.unfitted.at] == [4, 5, 6]
    assert of.unfitted.scores[Score.P_RENEW] is None and of.unfitted.scores[Score.SCORE_P] is not None
    june = len([one for one in customer_months(panel(**leaving(40, 30))) if one.at.month <= 7])
    assert of.judged.outcomes == june, (
        "the last of the months, October, is forecast from what was judged up to July"
    )


def test_the_same_panel_gives_the_same_report() -> None:
    of = panel(**leaving(30, 12))
    backwards = Panel(of.name, dict(reversed(list(of.customers.items()))), JANUARY, END)
    assert report(of) == report(of) == report(backwards)


def test_nobody_lost_measures_nothing() -> None:
    of = report(panel(one=counts(5), other=counts(7)))
    assert of.judged.losses == 0 and set(of.judged.scores.values()) == {None}
    assert "Nobody was lost in these 8 customer-months" in said(of)


def test_everybody_lost_measures_nothing() -> None:
    weeks = [(JANUARY + timedelta(days=n), max(1, 4_000 >> (n // 25))) for n in range(300)]
    of = report(Panel("all", {"one": Counts(weeks), "other": Counts(weeks)}, JANUARY, END))
    assert of.judged.months == of.judged.losses > 0 and set(of.judged.scores.values()) == {None}
    assert "Everybody was lost" in said(of)


def test_one_customer_has_no_interval() -> None:
    of = report(panel(one=counts(5, end=date(2023, 11, 20))))
    assert of.judged.customers == 1 and 0 < of.judged.losses < of.judged.months
    assert of.judged.base_rate_interval is None
    measured = of.judged.scores[Score.SCORE_P]
    assert measured is not None and set(measured.intervals.values()) == {None}
    assert (
        "All losses are of one customer, one: every figure rests on it alone, and there is no interval."
        in said(of)
    )


def test_few_losers_are_said_to_be_few_and_the_largest_is_named() -> None:
    of = report(
        panel(**leaving(30, 0), a=counts(5, end=date(2023, 8, 20)), b=counts(5, end=date(2023, 9, 1)))
    )
    assert of.judged.customers_lost == 2 and of.judged.largest_loser is not None
    assert "The intervals rest on 2 customers" in said(of) and "has the most losses" in said(of)


def test_a_short_panel_says_what_is_missing() -> None:
    of = report(Panel("short", {"one": counts(5, end=date(2023, 5, 1))}, JANUARY, date(2023, 5, 1)))
    assert (of.judged.months, of.judged.base_rate, of.unfitted) == (0, None, None)
    assert "Nothing can be told: from 2023-01-01 until 2023-05-01" in said(of)


def test_a_panel_too_short_to_learn_from_is_judged_without_a_forecast() -> None:
    found = {name: counts(5, end=date(2023, 6, 1) if name < "c" else date(2023, 8, 1)) for name in "abcd"}
    of = report(Panel("half", found, JANUARY, date(2023, 8, 1)))
    assert of.judged.months > 0 and of.unfitted is None and of.judged.scores[Score.P_RENEW] is None
    assert "p_renew is not told: no outcome had ended before these months." in said(of)


def test_recorded_outcomes_alone_say_who_was_lost() -> None:
    """One that fell silent and renewed was kept; months without an outcome ahead are not judged."""
    outcomes = {
        "stops": [RecordedOutcome(date(2023, 7, 15), lost=False)],
        "stays": [RecordedOutcome(date(2023, 7, 15), lost=True)],
    }
    of = Panel("told", {"stops": counts(5, end=date(2023, 5, 1)), "stays": counts(5)}, JANUARY, END, outcomes)
    months = [(one.customer, one.at.month, one.lost) for one in customer_months(of)]
    assert months == [
        ("stays", 5, True),
        ("stops", 5, False),
        ("stays", 6, True),
        ("stops", 6, False),
        ("stays", 7, True),
        ("stops", 7, False),
    ]
    found = report(of)
    assert found.judged.label is Label.RECORDED and found.of_the_book is None


def test_very_many_customers_are_thinned_out_evenly_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.signals.domain.panel.customer_months.CUSTOMER_MONTHS_MAX", 70)
    monkeypatch.setattr("services.signals.domain.panel.points.EVALUATIONS_MAX", 100)
    of = panel(**leaving(30, 12))
    assert every_nth(of) == 3
    found = report(of)
    assert found.judged.customers <= 10 and not found.daily_points
    assert "one in 3, evenly by name, is judged" in said(found) and "first day of each month alone" in said(
        found
    )
