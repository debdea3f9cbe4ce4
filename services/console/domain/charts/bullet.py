"""How far something has come of a whole, a bar a measure: what is used beside the time that has passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import Element

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
from services.console.domain.charts.scale import ZERO, Scale, scale_over

WIDTH: Final = 640
ROW: Final = 40
LEFT: Final = 4
RIGHT: Final = 636


@dataclass(frozen=True, slots=True)
class Measure:
    """`value` of `whole`; `said` is how the API says it, such as "11 of 120"."""

    label: str
    value: Decimal
    whole: Decimal
    said: str


def bullet(heading: Heading, measures: Sequence[Measure]) -> Drawn:
    """A bar a measure, on a ground of its whole; all wholes have one length, and what is more than a whole goes beyond."""
    points = [Point(one.label, one.value, one.said) for one in measures]
    svg = canvas(heading, WIDTH, ROW * max(len(measures), 1), "bullet", in_words(points))
    shares = [one.value / one.whole if one.whole > 0 else ZERO for one in measures]
    scale = scale_over((Decimal(1), *shares), LEFT, RIGHT)
    for index, (one, share) in enumerate(zip(measures, shares, strict=True)):
        _row(svg, one, share, scale, index * ROW)
    return drawn(heading, svg, points)


def _row(svg: Element, one: Measure, share: Decimal, scale: Scale, top: int) -> None:
    whole = scale.at(Decimal(1))
    within = mark(svg, one.label, one.said, "over" if share > 1 else "")
    name(within, one.label, LEFT, top + 14, "start")
    word(within, one.said, RIGHT, top + 14, "end")
    shape(within, "rect", class_="ground", x=scale.zero, y=top + 20, width=whole - scale.zero, height=12)
    ends = sorted((scale.zero, scale.at(share)))
    shape(within, "rect", class_="done", x=ends[0], y=top + 23, width=ends[1] - ends[0], height=6)
