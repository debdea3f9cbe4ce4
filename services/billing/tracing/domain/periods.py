"""A line over the periods of its contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from services.billing.documents.domain.document import Document, Line
from shared.topics.rating import PERIOD


@dataclass(frozen=True, slots=True)
class LinePeriod:
    """What a line came to in one period: on the period's own document, and by the notes that came after it. `quantity` is
    None where the period has no such line, and `document` where it left no document. Minor units of `currency`."""

    start_date: date
    end_date: date
    currency: str
    document: Document
    quantity: Decimal | None
    amount_minor: int
    noted_minor: int
    notes: tuple[Document, ...]


def over_periods(documents: Sequence[Document], line: Line) -> Iterator[LinePeriod]:
    """The line in each period that has one of these documents, the oldest first."""
    ordered = sorted(documents, key=lambda one: (one.start_date, one.occasion != PERIOD, one.document_id))
    for _, found in groupby(ordered, key=lambda one: one.start_date):
        own, *notes = found
        mine = [one for one in own.lines if _alike(one, line)]
        noted = tuple(note for note in notes if any(_alike(one, line) for one in note.lines))
        yield LinePeriod(
            own.start_date,
            own.end_date,
            own.currency,
            own,
            sum((one.quantity for one in mine), Decimal(0)) if mine else None,
            sum(one.amount_minor for one in mine),
            sum(one.amount_minor for note in noted for one in note.lines if _alike(one, line)),
            noted,
        )


def _alike(one: Line, other: Line) -> bool:
    """Whether they are of one clause, which keeps its identity over versions and periods."""
    return (one.clause_id, one.kind) == (other.clause_id, other.kind)
