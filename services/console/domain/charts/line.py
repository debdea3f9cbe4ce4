"""A line over periods, with spans that are shaded and places that are marked."""

from collections.abc import Iterator, Sequence
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
    px,
    shape,
)
from services.console.domain.charts.scale import Scale, place, scale_over

WIDTH: Final = 640
HEIGHT: Final = 220
TOP: Final = 24
BOTTOM: Final = 190
SIDE: Final = 12
LABELS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Span:
    """Points from `first` to `last`, both included, of which something is said: "silent"."""

    first: int
    last: int
    said: str


def line(
    heading: Heading, points: Sequence[Point], shaded: Sequence[Span] = (), marked: Sequence[Span] = ()
) -> Drawn:
    """A line through the points; a point without a value parts it. Spans of `shaded` are a ground behind it, those of
    `marked` an upright line at their first point."""
    svg = canvas(
        heading, WIDTH, HEIGHT, "line", " ".join((in_words(points), *_said(points, (*shaded, *marked))))
    )
    scale = scale_over((point.value for point in points), BOTTOM, TOP)
    for span in shaded:
        _shade(svg, span, len(points))
    for span in marked:
        x = _x(span.first, len(points))
        shape(svg, "line", class_="noted", x1=x, x2=x, y1=TOP, y2=BOTTOM)
        name(svg, span.said, x, TOP - 10)
    shape(svg, "line", class_="axis", x1=0, x2=WIDTH, y1=scale.zero, y2=scale.zero)
    for run in _runs(points):
        at = " ".join(f"{px(_x(index, len(points)))},{px(scale.at(value))}" for index, value in run)
        shape(svg, "polyline", class_="trace", points=at)
    _dots(svg, points, scale)
    return drawn(heading, svg, points)


def _dots(svg: Element, points: Sequence[Point], scale: Scale) -> None:
    every = -(-len(points) // LABELS_MAX) or 1
    for index, point in enumerate(points):
        x = _x(index, len(points))
        if point.value is not None:
            shape(mark(svg, point.label, point.said), "circle", cx=x, cy=scale.at(point.value), r=3)
        if index % every == 0:
            name(svg, point.label, x, HEIGHT - 8)


def _shade(svg: Element, span: Span, count: int) -> None:
    half = (_x(1, count) - _x(0, count)) / 2
    start, end = _x(span.first, count) - half, _x(span.last, count) + half
    shape(svg, "rect", class_="shade", x=start, y=TOP, width=end - start, height=BOTTOM - TOP)


def _said(points: Sequence[Point], spans: Sequence[Span]) -> Iterator[str]:
    for span in spans:
        first, last = points[span.first].label, points[span.last].label
        yield f"{span.said}: {first}." if first == last else f"{span.said}: {first} to {last}."


def _runs(points: Sequence[Point]) -> Iterator[list[tuple[int, Decimal]]]:
    """The stretches between gaps."""
    run: list[tuple[int, Decimal]] = []
    for index, point in enumerate(points):
        if point.value is None:
            if run:
                yield run
            run = []
        else:
            run.append((index, point.value))
    if run:
        yield run


def _x(index: int, count: int) -> Decimal:
    return place(index, count, SIDE, WIDTH - SIDE)
