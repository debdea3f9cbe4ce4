"""From one total to the next, by what lies between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.console.domain.charts.columns import column, width_of
from services.console.domain.charts.drawing import (
    Drawn,
    Heading,
    Point,
    canvas,
    drawn,
    in_words,
    mark,
    name,
    shape,
    word,
)
from services.console.domain.charts.scale import ZERO, place, scale_over
from shared.values.decimals import ROUNDED

WIDTH: Final = 640
#: What the number of a step takes, so that none lies over its neighbour's.
STEP_WIDTH: Final = 96
HEIGHT: Final = 240
TOP: Final = 26
BOTTOM: Final = 200
SIDE: Final = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A total, which stands on the line of zero, or a change, which begins where the one before it ended."""

    label: str
    value: Decimal
    said: str
    is_total: bool = False


def waterfall(heading: Heading, steps: Sequence[Step]) -> Drawn:
    """A bar a step. Only heights are added up here, and never written: a total stands where the API says that it does,
    so that changes which do not lead to it are seen."""
    points = [Point(step.label, step.value, step.said) for step in steps]
    right = max(WIDTH, STEP_WIDTH * len(steps))
    svg = canvas(heading, right, HEIGHT, "waterfall", in_words(points))
    levels = list(_levels(steps))
    scale = scale_over((level for pair in levels for level in pair), BOTTOM, TOP)
    width = width_of(len(steps), SIDE, right - SIDE)
    for index, (step, (start, end)) in enumerate(zip(steps, levels, strict=True)):
        middle = place(index, len(steps), SIDE, right - SIDE)
        kind = "total" if step.is_total else "below" if step.value < 0 else "above"
        column(mark(svg, step.label, step.said, kind), middle, width, scale.at(start), scale.at(end))
        word(svg, step.said, middle, min(scale.at(start), scale.at(end)) - 6)
        name(svg, step.label, middle, HEIGHT - 10)
    shape(svg, "line", class_="axis", x1=0, x2=right, y1=scale.zero, y2=scale.zero)
    return drawn(heading, svg, points)


def _levels(steps: Sequence[Step]) -> Iterator[tuple[Decimal, Decimal]]:
    """Between which heights each bar stands."""
    height = ZERO
    for step in steps:
        start = ZERO if step.is_total else height
        height = ROUNDED.add(start, step.value)
        yield start, height
