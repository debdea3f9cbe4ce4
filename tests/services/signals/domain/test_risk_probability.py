"""What has happened, as probabilities: worked by hand and against the normal distribution of the standard library."""

from decimal import Decimal
from math import exp, log, sqrt
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.risk_probability import as_share, p_fall, p_gone, score_p, weeks_before

COUNTS = st.lists(st.integers(0, 500), min_size=8, max_size=20)


def test_a_fall_by_half_is_worked_by_hand() -> None:
    """20 a week, then 10: new 40, old 240, no spread beyond chance. ratio = 40.5 ÷ (240.5 ÷ 3)."""
    ratio, error = 40.5 / (240.5 / 3), sqrt(1 / 40.5 + 1 / 240.5)
    wanted = NormalDist().cdf((log(0.75) - log(ratio)) / error)
    assert p_fall([20] * 12 + [10] * 4) == pytest.approx(wanted, abs=1e-12)
    assert wanted == pytest.approx(0.98999863, abs=1e-8)


def test_weeks_that_vary_by_more_than_chance_say_less() -> None:
    """0 and 40 in turns: mean 20, variance 436.36, so φ = 21.8 and the same fall is within it."""
    ratio, error = 40.5 / (240.5 / 3), sqrt(4800 / 11 / 20 * (1 / 40.5 + 1 / 240.5))
    wanted = NormalDist().cdf((log(0.75) - log(ratio)) / error)
    assert p_fall([0, 40] * 6 + [10] * 4) == pytest.approx(wanted, abs=1e-12)
    assert 0.6 < wanted < 0.7


def test_only_the_weeks_that_are_known_are_compared() -> None:
    """Of eight weeks four are old; of seven nothing is said. What is older than sixteen is not looked at."""
    eight = p_fall([20] * 4 + [10] * 4)
    wanted = (log(0.75) - log(40.5 / 80.5)) / sqrt(1 / 40.5 + 1 / 80.5)
    assert eight == pytest.approx(NormalDist().cdf(wanted), abs=1e-12)
    assert p_fall([20] * 3 + [10] * 4) is None and p_fall([]) is None
    assert p_fall([9000] * 5 + [20] * 12 + [10] * 4) == p_fall([20] * 12 + [10] * 4)


def test_steady_use_and_no_use_are_no_fall() -> None:
    assert p_fall([100] * 16) == pytest.approx(0, abs=1e-6)
    few, never = p_fall([5] * 16), p_fall([0] * 16)
    assert few is not None and 0.1 < few < 0.13, "five a week may be six that have fallen"
    assert never is not None and never < 0.5, "no use before, no fall"


@given(COUNTS)
def test_a_fall_is_a_probability_and_less_use_makes_it_no_smaller(weeks: list[int]) -> None:
    found, less = p_fall(weeks), p_fall([*weeks[:-1], weeks[-1] // 2])
    assert found is not None and less is not None and 0 <= found <= 1
    if found > 0.5:
        assert less >= 0.5, "what has rather fallen has still rather fallen when there is less of it"


def test_a_silence_is_measured_by_the_customers_own_rhythm() -> None:
    """Ten days of use in a hundred: a gap of ten days is usual, 30 silent ones are three of them."""
    assert p_gone(30, 100, 10) == pytest.approx(1 - exp(-3), abs=1e-12)
    assert p_gone(0, 100, 10) == 0
    daily, monthly = p_gone(7, 90, 90), p_gone(7, 90, 3)
    assert daily is not None and monthly is not None and daily > 0.99 and monthly < 0.25
    assert p_gone(12, 0, 0) is None, "who never used anything has no rhythm"


def test_the_score_is_the_larger_of_what_is_known() -> None:
    assert score_p(0.2, 0.7) == 0.7
    assert score_p(None, 0.1) == 0.1
    assert score_p(0.0, None) == 0.0
    assert score_p(None, None) is None


def test_weeks_end_the_day_before_and_days_that_fill_none_are_left_out() -> None:
    assert weeks_before([9, 9, *range(1, 15)]) == [sum(range(1, 8)), sum(range(8, 15))]
    assert weeks_before([1] * 6) == [] and weeks_before([]) == []


@given(st.lists(st.integers(0, 9), max_size=130))
def test_weeks_hold_every_day_once(days: list[int]) -> None:
    weeks = weeks_before(days)
    assert len(weeks) == len(days) // 7
    assert sum(weeks) == sum(days[len(days) % 7 :])


def test_a_share_is_shown_to_four_places() -> None:
    assert as_share(0.123456) == Decimal("0.1235")
    assert as_share(None) is None
