"""Upright bars from the line of zero: of a chart, of a waterfall's steps, and of a spark."""

from collections.abc import Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element

from services.console.domain.charts.drawing import Point, mark, shape
from services.console.domain.charts.scale import Scale, place

#: Of a bar's field, the part that it fills.
FILLED = Decimal("0.7")
#: What can still be seen of a bar whose value is very small beside the others.
THIN = Decimal("0.6")


def columns(svg: Element, points: Sequence[Point], scale: Scale, left: int, right: int) -> None:
    """A bar for each point that has a value."""
    for index, point in enumerate(points):
        if point.value is not None:
            middle = place(index, len(points), left, right)
            within = mark(svg, point.label, point.said, "below" if point.value < 0 else "")
            column(within, middle, width_of(len(points), left, right), scale.zero, scale.at(point.value))


def column(within: Element, middle: Decimal, width: Decimal, one: Decimal, other: Decimal) -> None:
    """A bar between two heights, whichever is higher."""
    top, height = min(one, other), max(abs(one - other), THIN)
    shape(within, "rect", x=middle - width / 2, y=top, width=width, height=height)


def width_of(count: int, left: int, right: int) -> Decimal:
    return Decimal(right - left) / max(count, 1) * FILLED
