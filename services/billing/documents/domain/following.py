"""How a draft says again what its statement says."""

from dataclasses import replace

from services.billing.documents.domain.document import Document, Held, Line, StatementSource
from shared.topics.rating import StatementHeld, StatementMessage
from shared.values.instants import from_us


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
        customer=statement.customer,
        legal_entity=statement.legal_entity,
        currency=statement.currency,
        timezone=statement.timezone,
        start_date=min(source.start_date for source in statements),
        end_date=max(source.end_date for source in statements),
        subtotal_minor=subtotal_minor,
        total_minor=subtotal_minor - sum(line.drawn_minor for line in lines),
        statements=statements,
        held=held_of_statement(statement.held) if statement.held else None,
        lines=lines,
    )


def held_of_statement(why: StatementHeld) -> Held:
    """Why a draft is held whose statement is not whole."""
    named = tuple((event.source, event.id) for event in why.named)
    return Held(
        why.reason, from_us(why.since_us), why.exception, "rating", why.owner, why.detail, why.events, named
    )


def lines_of_draft(statement: StatementMessage, *, segments: bool) -> list[Line]:
    """The lines that a draft has of a statement, with their steps where `segments` are wanted. Both travel with a final
    statement alone: where others have none, they are not known to be none."""
    unknown = () if statement.final else None
    return [
        Line.of(statement, line, (line.segments or unknown) if segments else None) for line in statement.lines
    ]
