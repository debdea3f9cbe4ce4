"""Upright bars, one a period."""

from collections.abc import Sequence
from typing import Final

from services.console.domain.charts.columns import columns
from services.console.domain.charts.drawing import (
    Drawn,
    Heading,
    Point,
    canvas,
    drawn,
    in_words,
    name,
    shape,
    word,
)
from services.console.domain.charts.scale import place, scale_over

WIDTH: Final = 640
HEIGHT: Final = 220
TOP: Final = 24
BOTTOM: Final = 190
SIDE: Final = 8
#: More labels than these would lie over each other.
LABELS_MAX: Final = 16


def bars(heading: Heading, points: Sequence[Point]) -> Drawn:
    """A bar a point; the highest and the lowest say their number."""
    svg = canvas(heading, WIDTH, HEIGHT, "bars", in_words(points))
    scale = scale_over((point.value for point in points), BOTTOM, TOP)
    columns(svg, points, scale, SIDE, WIDTH - SIDE)
    shape(svg, "line", class_="axis", x1=0, x2=WIDTH, y1=scale.zero, y2=scale.zero)
    every = -(-len(points) // LABELS_MAX) or 1
    for index, point in enumerate(points):
        middle = place(index, len(points), SIDE, WIDTH - SIDE)
        if index % every == 0:
            name(svg, point.label, middle, HEIGHT - 8)
        if point.value is not None and point.value in (scale.low, scale.high) and len(points) <= LABELS_MAX:
            word(svg, point.said, middle, min(scale.at(point.value), scale.zero) - 6)
    return drawn(heading, svg, points)
