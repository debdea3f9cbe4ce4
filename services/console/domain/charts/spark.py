"""A row's months as a picture of one line's height."""

from collections.abc import Sequence
from typing import Final

from services.console.domain.charts.columns import columns
from services.console.domain.charts.drawing import Drawn, Heading, Point, canvas, drawn, in_words, shape
from services.console.domain.charts.scale import scale_over

WIDTH: Final = 120
HEIGHT: Final = 24


def spark(heading: Heading, points: Sequence[Point]) -> Drawn:
    """A thin bar a point, without words on it: they stand in its description and its table."""
    svg = canvas(heading, WIDTH, HEIGHT, "spark", in_words(points))
    scale = scale_over((point.value for point in points), HEIGHT - 1, 1)
    columns(svg, points, scale, 0, WIDTH)
    shape(svg, "line", class_="axis", x1=0, x2=WIDTH, y1=scale.zero, y2=scale.zero)
    return drawn(heading, svg, points)
