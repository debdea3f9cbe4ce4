"""Charts: what is written on them is what was said, what is drawn lies within the picture and in proportion."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.charts.bars import bars
from services.console.domain.charts.bullet import Measure, bullet
from services.console.domain.charts.drawing import NONE, Drawn, Heading, Point, Svg
from services.console.domain.charts.line import Span, line
from services.console.domain.charts.spark import spark
from services.console.domain.charts.waterfall import Step, waterfall
from tests.services.console.hostile import HOSTILE

HEADING = Heading("c", "Amount by month", "month", "amount")
MONTHS = [
    Point("2013-10", Decimal("1234567.80"), "1,234,567.80"),
    Point("2013-11", None),
    Point("2013-12", Decimal("-250.05"), "-250.05"),
    Point("2014-01", Decimal("617283.90"), "617,283.90"),
]
VALUES = st.decimals(-(10**15), 10**15, places=2)
POINTS = st.lists(
    st.builds(lambda value: Point("m", value, NONE if value is None else str(value)), st.none() | VALUES),
    max_size=60,
)


def _measures(points: list[Point]) -> list[Measure]:
    return [Measure(point.label, point.value or Decimal(0), Decimal(100), point.said) for point in points]


def _steps(points: list[Point]) -> list[Step]:
    return [
        Step(point.label, point.value or Decimal(0), point.said, index == 0)
        for index, point in enumerate(points)
    ]


CHARTS: dict[str, Callable[[Heading, list[Point]], Drawn]] = {
    "bars": bars,
    "spark": spark,
    "line": line,
    "waterfall": lambda heading, points: waterfall(heading, _steps(points)),
    "bullet": lambda heading, points: bullet(heading, _measures(points)),
}
each_chart = pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)


def _svg(of: Drawn) -> Element:
    return fromstring(of.svg)


def _marks(of: Drawn) -> list[Element]:
    return [group for group in _svg(of).iter("g") if "mark" in group.get("class", "").split()]


def _texts(of: Drawn) -> list[str]:
    return [text.text or "" for text in _svg(of).iter("text")]


def _number(element: Element, name: str) -> Fraction:
    return Fraction(element.get(name, "missing"))


@each_chart
def test_it_has_a_name_a_description_and_a_table_of_the_same(
    draw: Callable[[Heading, list[Point]], Drawn],
) -> None:
    made = draw(HEADING, MONTHS)
    svg = _svg(made)
    assert svg.get("role") == "img"
    named = {element.get("id"): element.text for element in svg.iter() if element.get("id")}
    assert svg.get("aria-labelledby", "").split() == list(named)
    title, described = named.values()
    assert title == "Amount by month"
    assert described and "Highest 1,234,567.80 (2013-10), lowest -250.05 (2013-12)" in described
    assert made.rows == tuple((point.label, point.said) for point in MONTHS)
    assert made.heads == (("month", "amount"))
    assert isinstance(made.svg, Svg)


@each_chart
def test_every_value_is_a_mark_that_says_what_was_said(draw: Callable[[Heading, list[Point]], Drawn]) -> None:
    known = [point for point in MONTHS if point.value is not None]
    assert [mark.get("data-label") for mark in _marks(draw(HEADING, known))] == [
        f"{point.label}: {point.said}" for point in known
    ]


@each_chart
def test_no_number_is_written_that_was_not_said(draw: Callable[[Heading, list[Point]], Drawn]) -> None:
    said = {point.said for point in MONTHS} | {point.label for point in MONTHS}
    assert set(_texts(draw(HEADING, MONTHS))) <= said


@each_chart
@given(points=POINTS)
def test_whatever_the_values_all_that_is_drawn_lies_within_the_picture(
    draw: Callable[[Heading, list[Point]], Drawn], points: list[Point]
) -> None:
    svg = _svg(draw(HEADING, points))
    _, _, width, height = map(Fraction, svg.get("viewBox", "").split())
    for rect in svg.iter("rect"):
        assert _number(rect, "width") >= 0 and _number(rect, "height") >= 0
        assert _number(rect, "x") >= -1 and _number(rect, "x") + _number(rect, "width") <= width + 1
        assert _number(rect, "y") >= -1 and _number(rect, "y") + _number(rect, "height") <= height + 1
    for dot in svg.iter("circle"):
        assert 0 <= _number(dot, "cx") <= width and 0 <= _number(dot, "cy") <= height


@each_chart
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_stay_texts(draw: Callable[[Heading, list[Point]], Drawn], text: str) -> None:
    made = draw(Heading("c", text), [Point(text, Decimal(1), text), Point("b", Decimal(2), "2")])
    plain = draw(Heading("c", "t"), [Point("a", Decimal(1), "1"), Point("b", Decimal(2), "2")])
    assert [element.tag for element in _svg(made).iter()] == [element.tag for element in _svg(plain).iter()]
    assert {name for element in _svg(made).iter() for name in element.attrib} == {
        name for element in _svg(plain).iter() for name in element.attrib
    }
    made.svg.encode()


def test_a_bar_is_as_high_as_its_value_beside_the_others() -> None:
    high, low = (next(mark.iter("rect")) for mark in _marks(bars(HEADING, [MONTHS[0], MONTHS[3]])))
    assert abs(_number(high, "height") - 2 * _number(low, "height")) < Fraction(1, 4)
    assert _number(high, "y") + _number(high, "height") == _number(low, "y") + _number(low, "height")


def test_what_is_below_zero_hangs_from_the_line_of_zero() -> None:
    above, below = (next(mark.iter("rect")) for mark in _marks(bars(HEADING, [MONTHS[0], MONTHS[2]])))
    axis = next(shape for shape in _svg(bars(HEADING, [MONTHS[0], MONTHS[2]])).iter("line"))
    assert _number(above, "y") + _number(above, "height") == _number(axis, "y1") == _number(below, "y")


def test_a_gap_parts_a_line_and_is_no_zero() -> None:
    traces = list(_svg(line(HEADING, MONTHS)).iter("polyline"))
    assert [len(trace.get("points", "").split()) for trace in traces] == [1, 2]


def test_silence_is_shaded_and_said_and_a_month_is_marked() -> None:
    made = line(HEADING, MONTHS, [Span(1, 2, "silent")], [Span(3, 3, "month six")])
    svg = _svg(made)
    [shade] = [rect for rect in svg.iter("rect") if rect.get("class") == "shade"]
    assert _number(shade, "width") == 2 * (640 - 2 * 12) / Fraction(4)
    described = next(svg.iter("desc")).text or ""
    assert described.endswith("silent: 2013-11 to 2013-12. month six: 2014-01.")
    assert "month six" in _texts(made)


def test_a_change_begins_where_the_one_before_ended_and_a_total_on_the_ground() -> None:
    steps = [
        Step("stored", Decimal(100), "100", is_total=True),
        Step("voided", Decimal(-25), "-25"),
        Step("suspense", Decimal(-50), "-50"),
        Step("invoiced", Decimal(25), "25", is_total=True),
    ]
    stored, voided, suspense, invoiced = (
        next(mark.iter("rect")) for mark in _marks(waterfall(HEADING, steps))
    )
    assert _number(voided, "y") == _number(stored, "y")
    assert _number(suspense, "y") == _number(voided, "y") + _number(voided, "height")
    assert _number(invoiced, "y") == _number(suspense, "y") + _number(suspense, "height")
    assert _number(invoiced, "y") + _number(invoiced, "height") == _number(stored, "y") + _number(
        stored, "height"
    )


def test_changes_that_do_not_lead_to_the_total_are_seen() -> None:
    steps = [
        Step("stored", Decimal(100), "100", is_total=True),
        Step("voided", Decimal(-25), "-25"),
        Step("invoiced", Decimal(50), "50", is_total=True),
    ]
    _, voided, invoiced = (next(mark.iter("rect")) for mark in _marks(waterfall(HEADING, steps)))
    assert _number(invoiced, "y") > _number(voided, "y") + _number(voided, "height") + 10


def test_more_than_the_whole_goes_beyond_it() -> None:
    made = bullet(
        HEADING,
        [
            Measure("used", Decimal(150), Decimal(100), "150 of 100"),
            Measure("time", Decimal(50), Decimal(100), "50 %"),
        ],
    )
    over, half = _marks(made)
    ground, done = over.iter("rect")
    assert "over" in over.get("class", "")
    assert abs(_number(done, "width") - Fraction(3, 2) * _number(ground, "width")) < Fraction(1, 2)
    ground, done = half.iter("rect")
    assert abs(2 * _number(done, "width") - _number(ground, "width")) < Fraction(1, 2)


def test_a_number_is_never_cut_and_a_long_name_is() -> None:
    long = "123,456,789,012,345,678,901,234.00"
    texts = _texts(bars(HEADING, [Point("a name of more letters than there is room for", Decimal(1), long)]))
    assert long in texts
    assert "a name of more le…" in texts
