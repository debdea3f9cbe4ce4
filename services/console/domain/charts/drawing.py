"""What all charts are made of: a canvas with a title and a description, marks with their labels, and the table of the
same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from services.console.domain.text import label, visible

NONE: Final = "–"
_LETTERS_MAX: Final = 18


class Svg(Markup):
    """SVG of a chart: the only markup that a page is given."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a chart is of; `key` makes its ids, and is unique on its page."""

    key: str
    title: str
    of: str = "of"
    """Heads of its table: of what a number is, and what the number is"""
    number: str = "amount"


@dataclass(frozen=True, slots=True)
class Point:
    """A number of a chart. `said` is how it is written; None has no value and leaves a gap."""

    label: str
    value: Decimal | None
    said: str = NONE


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart and its table."""

    key: str
    title: str
    svg: Svg
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def canvas(heading: Heading, width: int, height: int, kind: str, description: str) -> Element:
    """An empty picture of so many units, with what a reader of the screen is told of it."""
    svg = Element(
        "svg",
        {
            "class": f"chart {kind}",
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-labelledby": f"{heading.key}-title {heading.key}-desc",
        },
    )
    _text_in(SubElement(svg, "title", {"id": f"{heading.key}-title"}), heading.title)
    _text_in(SubElement(svg, "desc", {"id": f"{heading.key}-desc"}), description)
    return svg


def mark(svg: Element, of: str, said: str, kind: str = "") -> Element:
    """A group that arrow keys stop at; what it says is its label."""
    group = SubElement(svg, "g", {"class": f"mark {kind}".rstrip(), "data-label": visible(f"{of}: {said}")})
    _text_in(SubElement(group, "title"), f"{of}: {said}")
    return group


def shape(within: Element, name: str, **attributes: Decimal | int | str) -> Element:
    """A shape; of coordinates a tenth of a unit is kept."""
    return SubElement(
        within,
        name,
        {
            key.rstrip("_").replace("_", "-"): value if isinstance(value, str) else px(value)
            for key, value in attributes.items()
        },
    )


def word(within: Element, text: str, x: Decimal | int, y: Decimal | int, anchor: str = "middle") -> None:
    """A text on the picture."""
    _text_in(shape(within, "text", x=x, y=y, text_anchor=anchor), text)


def name(within: Element, text: str, x: Decimal | int, y: Decimal | int, anchor: str = "middle") -> None:
    """What something is called: longer than its place it is cut, and stands whole in the table. A number is never
    cut."""
    word(within, label(text, _LETTERS_MAX).text, x, y, anchor)


def px(value: Decimal | int) -> str:
    return format(value, ".1f")


def drawn(heading: Heading, svg: Element, points: Sequence[Point]) -> Drawn:
    return Drawn(
        heading.key,
        heading.title,
        Svg(tostring(svg, encoding="unicode")),
        (heading.of, heading.number),
        tuple((point.label, point.said) for point in points),
    )


def in_words(points: Sequence[Point]) -> str:
    """What a picture shows, for who does not see it: how many, the highest, the lowest and the last."""
    known = [(point.value, point) for point in points if point.value is not None]
    if not known:
        return "No values."
    highest, lowest = max(known, key=_value)[1], min(known, key=_value)[1]
    last = known[-1][1]
    return (
        f"{len(known)} values. Highest {highest.said} ({highest.label}), lowest {lowest.said} ({lowest.label}), "
        f"last {last.said} ({last.label})."
    )


def _value(known: tuple[Decimal, Point]) -> Decimal:
    return known[0]


def _text_in(element: Element, text: str) -> None:
    element.text = visible(text)
