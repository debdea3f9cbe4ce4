"""The example's panels: what the scores are worth on 265 real routes, and that README says so."""

import re
from functools import cache

import pytest

from lab.departures.panels import PANELS
from services.signals.domain.panel.measures import Measures
from services.signals.domain.panel.report import PanelReport, panel_report
from services.signals.domain.panel.sections import Measured, Score, Section
from services.signals.domain.panel.words import about_the_section
from services.signals.settings import read_policy
from u2c.deployment.state import ROOT
from u2c.panel_documents import panel_document


@cache
def report(name: str) -> PanelReport:
    return panel_report(PANELS[name](), read_policy())


def measured(section: Section, score: Score) -> Measured:
    found = section.scores[score]
    assert found is not None
    return found


def measures(score: Score) -> Measures:
    return measured(report("routes").judged, score).found


@pytest.mark.long
def test_the_routes_are_judged_on_971_customer_months_of_which_133_were_lost() -> None:
    judged, unfitted = report("routes").judged, report("routes").unfitted
    assert [str(day)[:7] for day in judged.at] == ["2013-07", "2013-08", "2013-09", "2013-10"]
    assert (judged.months, judged.losses) == (971, 133)
    assert unfitted is not None and (judged.months + unfitted.months) == 1_710
    assert unfitted.scores[Score.P_RENEW] is None and unfitted.scores[Score.SCORE_P] is not None


@pytest.mark.long
def test_score_p_orders_better_than_the_calendar_and_the_points() -> None:
    assert measures(Score.SCORE_P).average_precision >= 0.45
    assert measures(Score.SCORE_P).auc >= 0.75
    assert measures(Score.CALENDAR).average_precision == pytest.approx(0.42, abs=0.005)
    assert measures(Score.CALENDAR).auc == pytest.approx(0.69, abs=0.005)
    low, _ = measured(report("routes").judged, Score.SCORE_P).beyond_calendar or (0.0, 0.0)
    assert low > 0, "beyond what a draw of other customers would change"


@pytest.mark.long
def test_p_renew_is_calibrated_and_better_than_the_base_rate_of_the_past() -> None:
    forecast, past = measures(Score.P_RENEW), measures(Score.PAST_BASE_RATE)
    assert report("routes").judged.is_fitted
    assert forecast.calibration_error is not None and forecast.calibration_error <= 0.05
    assert forecast.brier is not None and past.brier is not None and forecast.brier < past.brier


@pytest.mark.long
def test_where_the_policy_does_not_beat_the_calendar_it_is_said_in_words() -> None:
    judged = report("routes").judged
    points, calendar = measures(Score.POINTS), measures(Score.CALENDAR)
    said = " ".join(about_the_section(report("routes"), judged))
    if points.average_precision <= calendar.average_precision:
        assert "The policy's points do not beat days since last use" in said
    assert "score_p beats days since last use: average precision 0.50 against 0.42" in said


def test_sixteen_airlines_are_too_few_and_it_is_said() -> None:
    judged = report("airlines").judged
    assert judged.customers == 16 and judged.customers_lost == 1 and judged.largest_loser is not None
    assert judged.largest_loser.customer == "OO"
    assert "All losses are of one customer, OO" in " ".join(about_the_section(report("airlines"), judged))
    assert panel_document(report("airlines"))["scores"]["score_p"]["auc_interval"] is None


@pytest.mark.long
def test_as_json_each_score_has_plain_numbers_and_intervals_beside_them() -> None:
    told = panel_document(report("routes"))
    assert (told["months"], round(told["base_rate"], 3)) == (971, 0.137)
    assert told["customers"] == 256 and told["beside"]["unfitted"]["months"] == 739
    for name in ("points", "score_p", "p_renew", "days_since_last_use"):
        score = told["scores"][name]
        low, high = score["average_precision_interval"]
        assert low <= score["average_precision"] <= high and score["auc_interval"][0] <= score["auc"]
    assert told["scores"]["points"]["brier"] is None, "points are no probability"
    assert len(told["scores"]["p_renew"]["tenths"]) == 10


@pytest.mark.long
def test_readme_says_what_the_score_is_worth() -> None:
    found = measured(report("routes").judged, Score.SCORE_P)
    low, high = found.intervals["average_precision"] or (0.0, 0.0)
    said = (
        f'its average precision is {found.found.average_precision:.2f} (95 % interval {low:.2f} to {high:.2f}), where "days since '
        f'last use" alone has {measures(Score.CALENDAR).average_precision:.2f} and chance '
        f"{report('routes').judged.base_rate:.2f}"
    )
    readme = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
    assert said in readme, said
