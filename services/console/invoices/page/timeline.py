"""What became of a document, as its page shows it."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.console.domain.parts import Cell, Column, Empty, Row, Table
from services.console.domain.times import Zones
from services.console.invoices.domain.document import Document, Happened
from services.console.invoices.page.cells import NONE, at_cell

WORDS: Final[Mapping[str, str]] = {
    "drafted": "drafted",
    "revised": "figures made anew",
    "closed": "its period closed",
    "seen": "marked as seen",
    "held": "held",
    "released": "released",
    "approved": "approved",
    "numbered": "numbered",
    "posted": "posted to the journal",
}
HEADS: Final = (Column("when"), Column("what"), Column("by"), Column("about"), Column("said"))
EMPTY: Final = Empty(
    "What becomes of it appears here:", "who held, saw or approved it, and when it was numbered."
)
ABOUT_CHARACTERS_MAX: Final = 80


def timeline(document: Document, happened: Sequence[Happened], zones: Zones) -> Table:
    """By the machine's clock, which the moved business clock does not move."""
    rows = tuple(
        Row(
            str(number),
            (
                at_cell(one.at, document, zones),
                Cell(WORDS.get(one.what, one.what)),
                Cell.of(one.by or NONE),
                Cell.of(_about(one), characters_max=ABOUT_CHARACTERS_MAX),
                Cell.of(one.said or "", characters_max=ABOUT_CHARACTERS_MAX),
            ),
        )
        for number, one in enumerate(happened)
    )
    return Table("timeline", "What became of it, by the machine's clock", HEADS, rows, EMPTY)


def _about(one: Happened) -> str:
    if one.of is None:
        return ""
    return one.of if one.revision is None else f"{one.of}, revision {one.revision}"
