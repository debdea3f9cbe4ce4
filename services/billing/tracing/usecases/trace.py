"""Trace a line: every step between the clause, the money and the raw events. Nothing of the database is held
while rating answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from services.billing.documents.domain.document import Document, Line, StatementSource
from services.billing.documents.usecases import get_document, show_current
from services.billing.journal.rows import Entry, EntryFilter
from services.billing.journal.usecases import list_entries
from services.billing.tracing.clients import Piece, RatingClient, pieces_kept, pieces_of
from services.billing.tracing.domain.clauses import ClauseText, clause_of
from services.billing.tracing.repository import versions_of
from shared.db.unit_of_work import Database
from shared.errors import AppError, Kind
from shared.topics.rating import NOTE, PERIOD, ContractVersion
from shared.values.money import currency


class LineNotFound(AppError):
    """This document has no such line."""

    kind = Kind.NOT_FOUND


class ClauseNotHeard(AppError):
    """Billing has not heard of this version of the contract yet; ask again."""

    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Trace:
    """A line and all it came from and led to. `clauses` has one text a version that priced a piece of it, the
    line's own last; none where a call made what the line asks for.

    `entry` is None while the document is a draft, `events` where a line counts none, `explanation` where the line has its
    own steps.
    """

    document: Document
    line: Line
    statement: StatementSource
    pieces: tuple[Piece, ...]
    clauses: tuple[ClauseText, ...]
    entry: Entry | None
    explanation: dict[str, Any] | None
    events: dict[str, Any] | None
    correction: "Correction | None" = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a note's line is a difference of: the whole line as it was corrected then, and the `parts` of the note that
    ask for what that is beyond what was asked before, each with the line that it corrects."""

    occasion: str
    subtotal: str
    quantity: Decimal
    amount_minor: int
    parts: tuple[Line, ...]

    @classmethod
    def of(cls, statement: Mapping[str, Any], line: Line, document: Document) -> Self:
        whole = next((one for one in statement["lines"] if one["id"] == line.line_id), None)
        return cls(
            statement["occasion"],
            statement["subtotal"],
            Decimal(whole["quantity"] if whole else 0),
            int(Decimal(whole["amount"]).scaleb(currency(document.currency).exponent)) if whole else 0,
            tuple([one for one in document.lines if one.line_id == line.line_id]),
        )


async def trace_line(
    db: Database, rating: RatingClient, document_id: str, line_id: str, cursor: str | None, limit: int
) -> Trace:
    """Return the trace with one page of events. A part that cannot be had fails the whole: half a proof is
    none."""
    async with db.transaction(isolation="repeatable_read") as uow:
        heard = await get_document(uow, document_id)
    (document,) = await show_current(rating.statements, [heard], segments=True, at_once=True)
    line = line_of(document, line_id)
    # A document beforehand has a statement of its own, which counts nothing.
    occasion = document.occasion if document.occasion.startswith(NOTE) else PERIOD
    explanation = None if line.steps_kept else await rating.explanation(line, occasion)
    pieces = pieces_kept(line) if explanation is None else pieces_of(explanation)
    counts = line.meter is not None and bool(pieces or line.corrects)
    events = await rating.events(line, occasion, cursor, limit) if counts else None
    corrected = await rating.corrected(line, occasion) if occasion != PERIOD else None
    async with db.transaction(isolation="repeatable_read") as uow:
        entries = await list_entries(uow, EntryFilter(document_id=document.document_id), None, 1)
        versions = await versions_of(uow.connection, line.contract)
    return Trace(
        document,
        line,
        next(source for source in document.statements if source.statement_id == line.statement_id),
        pieces,
        _clauses(versions, line, pieces),
        entries[0] if entries else None,
        explanation,
        events,
        Correction.of(corrected, line, document) if corrected else None,
    )


def line_of(document: Document, line_id: str) -> Line:
    """The document's line of this id; raises LineNotFound."""
    line = document.line(line_id)
    if line is None:
        raise LineNotFound(
            f"no line {line_id[:60]!r}; the document has {', '.join(found.line_id for found in document.lines[:10])}"
        )
    return line


def _clauses(
    versions: Sequence[ContractVersion], line: Line, pieces: tuple[Piece, ...]
) -> tuple[ClauseText, ...]:
    if all(each.version != line.version for each in versions):
        raise ClauseNotHeard(f"clause {line.clause_id} of version {line.version} of {line.contract}")
    earlier = sorted({piece.version for piece in pieces} - {line.version})
    of_each = (
        clause_of(line.contract, versions, line.clause_id, version) for version in (*earlier, line.version)
    )
    return tuple(filter(None, of_each))
