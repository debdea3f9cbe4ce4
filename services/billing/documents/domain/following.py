"""How a draft says again what its statement says."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from services.billing.documents.domain.document import CorrectedLine, Document, Held, Line, StatementSource
from services.billing.documents.domain.kinds import kind_of
from shared.topics.rating import AskedLine, StatementHeld, StatementLine, StatementMessage
from shared.values.instants import from_us

#: Occasion → the document of it, of one contract and period.
Documented = Mapping[str, str]
NONE_YET: Final[Documented] = MappingProxyType({})


def following(document: Document, statement: StatementMessage, *, segments: bool) -> Document:
    """Return the draft as it reads once this revision of a statement of it was heard."""
    lines = tuple(
        [line for line in document.lines if line.statement_id != statement.statement_id]
        + lines_of_draft(statement, segments=segments)
    )
    subtotal_minor = sum(line.amount_minor for line in lines)
    statements = tuple(
        StatementSource.of(statement) if source.statement_id == statement.statement_id else source
        for source in document.statements
    )
    return replace(
        document,
        kind=kind_of(statement),
        customer=statement.customer,
        legal_entity=statement.legal_entity,
        currency=statement.currency,
        timezone=statement.timezone,
        start_date=min(source.start_date for source in statements),
        end_date=max(source.end_date for source in statements),
        subtotal_minor=subtotal_minor,
        total_minor=subtotal_minor - sum(line.drawn_minor for line in lines),
        statements=statements,
        held=held_of_statement(statement.held) if statement.held else _held_by_billing(document),
        lines=lines,
    )


def _held_by_billing(document: Document) -> Held | None:
    """What billing found, or a person said, stands whatever comes of the statement."""
    return document.held if document.held is not None and document.held.is_whole else None


def held_of_statement(why: StatementHeld) -> Held:
    """Why a draft is held whose statement is not whole."""
    named = tuple((event.source, event.id) for event in why.named)
    return Held(
        why.reason, from_us(why.since_us), why.exception, "rating", why.owner, why.detail, why.events, named
    )


def lines_of_draft(
    statement: StatementMessage, documented: Documented = NONE_YET, *, segments: bool
) -> list[Line]:
    """The lines that a draft has of a statement, with their steps where `segments` are wanted. Both travel with a final
    statement alone: where others have none, they are not known to be none.

    `documented`: the documents of its contract and period, which the lines of a note name. Where an older statement
    left none (it came to nothing), there is nothing to name.
    """
    unknown = () if statement.final else None
    return [
        Line.of(
            statement, line, (line.segments or unknown) if segments else None, _corrected(line, documented)
        )
        for line in statement.document_lines
    ]


def _corrected(line: StatementLine, documented: Documented) -> CorrectedLine | None:
    corrects = line.corrects if isinstance(line, AskedLine) else None
    if corrects is None or corrects.occasion not in documented:
        return None
    return CorrectedLine(documented[corrects.occasion], corrects.line_id)
