"""A document as JSON: the export format, and what a reader needs beside it. Decimals travel as strings in the currency's exponent."""

from datetime import datetime
from typing import Any

from services.billing.documents.domain.document import Document, Held, Line
from shared.clock import from_us
from shared.decimals import plain
from shared.money import Currency, currency, format_minor
from shared.topics.rating import StatementSegment


def shown_document(document: Document) -> dict[str, Any]:
    """The whole document."""
    money = currency(document.currency)
    return {
        "object": "document", "id": document.document_id, "number": document.number, "kind": document.kind, "status": document.status,
        "held": shown_held(document.held),
        "customer": document.customer, "customer_name": document.customer_name, "contract": document.contract,
        "legal_entity": document.legal_entity, "currency": document.currency, "timezone": document.timezone,
        "period": {"start": document.start_date.isoformat(), "end": document.end_date.isoformat()},
        "issued_on": document.issued_on.isoformat() if document.issued_on else None,
        "due_on": document.due_on.isoformat() if document.due_on else None,
        "lines": [shown_line(line, money) for line in document.lines],
        "subtotal": format_minor(document.subtotal_minor, money), "draws": [], "total": format_minor(document.total_minor, money),
        "corrects": document.corrects, "statement": _statement(document),
        "finalized_at": instant(document.finalized_at), "created_at": instant(document.created_at),
    }


def shown_line(line: Line, money: Currency) -> dict[str, Any]:
    """A line; segments that were not loaded are absent, not empty."""
    return {
        "id": line.line_id, "key": line.key, "clause": line.clause_id, "clause_hash": line.clause_hash, "version": line.version,
        "kind": line.kind, "meter": line.meter, "description": line.description, "quantity": plain(line.quantity),
        "amount": format_minor(line.amount_minor, money),
        **({"segments": [_segment(segment) for segment in line.segments]} if line.segments is not None else {}),
    }


def shown_held(held: Held | None) -> dict[str, Any] | None:
    """Why a draft is not whole or may not become an invoice; null where nothing holds it."""
    return None if held is None else {
        "reason": held.reason, "since": instant(held.since), "events": held.events,
        "named": [{"source": source, "id": id} for source, id in held.named],
        "exception": held.exception, "service": held.service, "owner": held.owner, "detail": held.detail,
    }


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _statement(document: Document) -> dict[str, Any] | None:
    if document.statement_id is None:
        return None
    return {
        "id": document.statement_id, "revision": document.statement_revision, "final": document.statement_final,
        "watermark": document.watermark, "watermark_us": document.watermark_us,
        "watermark_at": instant(from_us(document.watermark_us)) if document.watermark_us else None,
    }


def _segment(segment: StatementSegment) -> dict[str, Any]:
    return {
        "start": instant(from_us(segment.start_us)), "end": instant(from_us(segment.end_us)), "version": segment.version,
        "clause_hash": segment.clause_hash, "group": segment.group, "quantity": plain(segment.quantity),
        "allowance": plain(segment.allowance), "priced": plain(segment.priced), "exact": plain(segment.exact),
    }
