"""Each measure against its own definition, counted pair by pair or one by one, in fractions."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, permutations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.panel.intervals import Ranked, draws, interval
from services.signals.domain.panel.measures import Measures, measured, tenths

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40)


def of(rows: Sequence[tuple[float, bool]]) -> Ranked:
    return Ranked.of([value for value, _ in rows], list(range(len(rows))), [lost for _, lost in rows])


def found(rows: Sequence[tuple[float, bool]], *, is_probability: bool = False) -> Measures:
    measures = measured(of(rows).groups(), is_probability=is_probability)
    assert measures is not None
    return measures


def mixed(rows: list[tuple[int, bool]]) -> bool:
    return len({lost for _, lost in rows}) == 2


def average_precision(ordered: tuple[tuple[float, bool], ...]) -> Fraction:
    """Of rows without ties, the precision at each lost one."""
    hits, told = 0, list[Fraction]()
    for number, (_, lost) in enumerate(ordered, 1):
        hits += lost
        if lost:
            told.append(Fraction(hits, number))
    return sum(told, Fraction()) / len(told)


@given(ROWS.filter(mixed))
def test_auc_is_counted_pair_by_pair(rows: list[tuple[int, bool]]) -> None:
    pairs = [(one, other) for one, lost in rows if lost for other, kept in rows if not kept]
    wanted = sum((Fraction(one > other) + Fraction(one == other) / 2 for one, other in pairs), Fraction())
    assert found(rows).auc == pytest.approx(float(wanted / len(pairs)), abs=1e-12)


def test_average_precision_is_worked_by_hand() -> None:
    """Lost at places 1, 3 and 4 of five: (1/1 + 2/3 + 3/4) ÷ 3."""
    rows = [(0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.1, False)]
    assert found(rows).average_precision == pytest.approx(float(Fraction(29, 36)), abs=1e-12)


@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(lambda lost: len(set(lost)) == 2))
def test_average_precision_without_ties(lost: list[bool]) -> None:
    rows = [(float(-number), one) for number, one in enumerate(lost)]
    assert found(rows).average_precision == pytest.approx(float(average_precision(tuple(rows))), abs=1e-12)


def test_equal_ones_are_called_together() -> None:
    """Two of five at the top, one of them lost, then three of which one was: 1/2 × 1/2 + 1/2 × 2/5."""
    rows = [(1.0, True), (1.0, False), (0.0, True), (0.0, False), (0.0, False)]
    assert found(rows).average_precision == pytest.approx(0.45, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=2, max_size=6).filter(mixed))
def test_precision_at_losses_is_that_of_every_order_of_equal_ones_on_average(
    rows: list[tuple[int, bool]],
) -> None:
    losses = sum(lost for _, lost in rows)
    orders = [
        sum(lost for _, lost in order[:losses])
        for order in permutations(rows)
        if all(one[0] >= other[0] for one, other in pairwise(order))
    ]
    wanted = Fraction(sum(orders), len(orders) * losses)
    assert found(rows).precision == found(rows).recall == pytest.approx(float(wanted), abs=1e-12)


@given(ROWS.filter(mixed))
def test_the_brier_score_one_by_one(rows: list[tuple[int, bool]]) -> None:
    told = [(value / 5, lost) for value, lost in rows]
    wanted = fmean((value - lost) ** 2 for value, lost in told)
    assert found(told, is_probability=True).brier == pytest.approx(wanted, abs=1e-12)


def test_tenths_are_worked_by_hand() -> None:
    """Twenty in pairs: of the pair at 0.9 one was lost, of every other none."""
    rows = [(number / 10, number == 9 and first) for number in range(10) for first in (True, False)]
    parts = list(tenths(of(rows).groups()))
    assert [said for said, _ in parts] == pytest.approx([number / 10 for number in reversed(range(10))])
    assert [happened for _, happened in parts] == pytest.approx([0.5, *[0.0] * 9])
    assert found(rows, is_probability=True).calibration_error == pytest.approx((0.4 + 3.6) / 10)


def test_a_group_that_a_tenth_cuts_is_divided() -> None:
    """All alike: each tenth has the same share of the lost, in whatever order they come."""
    rows = [(0.3, number < 3) for number in range(10)]
    assert [number for part in tenths(of(rows).groups()) for number in part] == pytest.approx([0.3] * 20)
    assert found(rows, is_probability=True).calibration_error == pytest.approx(0)


@given(ROWS)
def test_tenths_hold_everything_once(rows: list[tuple[int, bool]]) -> None:
    told = [(value / 5, lost) for value, lost in rows]
    parts = list(tenths(of(told).groups()))
    assert len(parts) == 10
    assert fmean(said for said, _ in parts) == pytest.approx(fmean(value for value, _ in told), abs=1e-9)
    assert fmean(lost for _, lost in parts) == pytest.approx(fmean(lost for _, lost in told), abs=1e-9)


@given(ROWS.filter(mixed), st.data())
def test_a_customer_that_is_drawn_twice_stands_there_twice(
    rows: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """Measures with weights are those of the rows repeated as often."""
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    told = [(value / 5, lost) for value, lost in rows]
    repeated = [row for row, often in zip(told, times, strict=True) for _ in range(often)]
    weighted = measured(of(told).groups(times), is_probability=True)
    if len({lost for _, lost in repeated}) < 2:
        assert weighted is None
    else:
        wanted = found(repeated, is_probability=True)
        assert weighted is not None
        for name in ("auc", "average_precision", "precision", "recall", "brier", "calibration_error"):
            assert getattr(weighted, name) == pytest.approx(getattr(wanted, name), abs=1e-9), name


@pytest.mark.parametrize("lost", [True, False])
def test_where_all_ended_alike_nothing_is_measured(lost: bool) -> None:
    assert measured(of([(0.1, lost), (0.9, lost)]).groups(), is_probability=True) is None
    assert measured(of([]).groups(), is_probability=True) is None


def test_draws_are_the_same_each_time_and_of_whole_customers() -> None:
    first, again = list(draws(7, 50)), list(draws(7, 50))
    assert first == again and len(first) == 1_000 and {sum(times) for times in first} == {7}
    assert len(list(draws(7, 10_000_000))) == 200, "of very many customer-months fewer are drawn"


def test_an_interval_holds_the_middle_95_of_a_hundred() -> None:
    assert interval([float(number) for number in range(1_001)]) == (25.0, 975.0)
    assert interval([1.0, 2.0, None, None, None]) is None, "most draws could not be measured"
    assert interval([]) is None


def test_months_of_one_customer_are_one_draw() -> None:
    """Twenty customers of fifty months each: were the months drawn, the share of the ten lost would be known to 0.03."""
    ranked = Ranked.of([0.0] * 1_000, [at // 50 for at in range(1_000)], [at < 500 for at in range(1_000)])
    shares = [sum(one.lost) / sum(one.many) for one in map(ranked.groups, draws(20, 1_000))]
    low, high = interval(shares) or (0.0, 0.0)
    assert low == pytest.approx(0.28, abs=0.04) and high == pytest.approx(0.72, abs=0.04)
