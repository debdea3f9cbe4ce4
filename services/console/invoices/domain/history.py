"""A line through the periods of its contract."""

from collections.abc import Sequence
from typing import Final

from services.console.domain.amounts import Amount, size_of
from services.console.domain.charts.drawing import Point
from services.console.domain.times import days, eve_of
from services.console.invoices.domain.document import OF_PERIOD, Document, Documents, Line

PERIODS_MAX: Final = 12
#: A period has notes too: so many documents, newest first, have its last twelve periods in them unless most were corrected.
HISTORY_MAX: Final = 3 * PERIODS_MAX


def of_period(documents: Sequence[Document]) -> list[Document]:
    """Those that say what a period comes to, oldest first: one a period, without notes and what is paid beforehand."""
    periods = [one for one in documents if one.occasion == OF_PERIOD]
    return sorted(periods, key=lambda one: one.period.start)[-PERIODS_MAX:]


def is_cut(documents: Documents) -> bool:
    """Whether periods that would be shown are in documents before these."""
    return documents.has_more and len(of_period(documents.data)) < PERIODS_MAX


def points_of(key: str, contract: str, periods: Sequence[Document]) -> list[Point]:
    """What the line came to in each period; where a period has no such line there is a gap."""
    return [_point(document, line_of(document, key, contract)) for document in periods]


def line_before(periods: Sequence[Document], line: Line) -> Line | None:
    """The same line in the period that ends where the line's begins; None where there is none, or no such line in it."""
    eve = eve_of(line.period.start)
    before = next((one for one in reversed(periods) if one.period.end == eve), None)
    return None if before is None else line_of(before, line.key, line.contract)


def line_of(document: Document, key: str, contract: str) -> Line | None:
    """The line of this key in the document's own period. A statement has one of each key."""
    return next(
        (
            line
            for line in document.lines
            if (line.key, line.contract, line.period) == (key, contract, document.period)
        ),
        None,
    )


def _point(document: Document, line: Line | None) -> Point:
    said = days(document.period.start, document.period.end)
    name = said if document.number else f"{said} (draft)"
    if line is None:
        return Point(name, None)
    return Point(name, size_of(line.amount), Amount(document.currency, line.amount).shown)
