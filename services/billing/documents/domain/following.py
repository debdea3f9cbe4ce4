"""How a draft says again what its statement says."""

from dataclasses import replace
from datetime import date

from services.billing.documents.domain.document import Document, Held, Line, StatementSource
from shared.topics.rating import StatementHeld, StatementLine, StatementMessage
from shared.values.instants import from_us


def following(document: Document, statement: StatementMessage, *, segments: bool) -> Document:
    """Return the draft as it reads once this revision of its statement was heard."""
    return replace(
        document,
        contract=statement.contract,
        customer=statement.customer,
        legal_entity=statement.legal_entity,
        currency=statement.currency,
        timezone=statement.timezone,
        start_date=date.fromisoformat(statement.period_start_date),
        end_date=date.fromisoformat(statement.period_end_date),
        subtotal_minor=statement.subtotal_minor,
        total_minor=statement.subtotal_minor,
        source=StatementSource(
            statement_id=statement.statement_id,
            revision=statement.revision,
            final=statement.final,
            watermark=statement.watermark,
            watermark_us=statement.watermark_us,
        ),
        held=held_of_statement(statement.held) if statement.held else None,
        lines=tuple(line_of_draft(line, segments, statement.final) for line in statement.lines),
    )


def held_of_statement(why: StatementHeld) -> Held:
    """Why a draft is held whose statement is not whole."""
    named = tuple((event.source, event.id) for event in why.named)
    return Held(
        why.reason, from_us(why.since_us), why.exception, "rating", why.owner, why.detail, why.events, named
    )


def line_of_draft(stated: StatementLine, segments: bool, final: bool) -> Line:
    """A line of a draft. Segments travel with a final statement alone: where others have none, they are not
    known to be none."""
    return Line.of(stated, (stated.segments or (() if final else None)) if segments else None)
