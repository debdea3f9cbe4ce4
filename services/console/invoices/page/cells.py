"""What the pages of documents have in common: how a state, a day and an instant of a document are shown."""

from typing import Final

from services.console.domain.parts import Cell, State
from services.console.domain.times import Zones, day_in, day_of
from services.console.invoices.domain.document import Document

INVOICES: Final = "/invoices"
NONE: Final = "–"
STATES: Final[dict[str, State]] = {"held": "bad", "due": "warn", "awaiting_approval": "warn"}


def state_cell(document: Document) -> Cell:
    said = document.state.replace("_", " ")
    return Cell(
        f"{said}, figures of a moment ago" if document.stale else said, state=STATES.get(document.state, "")
    )


def at_cell(instant: str | None, document: Document, zones: Zones) -> Cell:
    return Cell(NONE) if instant is None else Cell.at(zones.moment(instant, document.timezone))


def day_cell(day: str | None) -> Cell:
    return Cell(NONE) if day is None else Cell(day_of(day_in(day)))
