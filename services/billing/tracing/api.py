"""GET /v1/invoices/{id}/lines/{line}/trace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.billing.documents.shown import instant, shown_line
from services.billing.journal.api import shown_entry
from services.billing.parameters import DocumentId, LineId
from services.billing.tracing import usecases
from services.billing.tracing.clauses import ClauseText
from services.billing.tracing.clients import RatingClient
from shared.clock import from_us
from shared.http.examples import answers_with
from shared.http.keys import requires
from shared.http.paging import CURSOR_CHARACTERS_MAX
from shared.money import currency
from shared.service import Ctx

router = APIRouter(prefix="/v1/invoices", tags=["Invoices"], dependencies=[requires("invoices:read")])


@router.get(
    "/{document_id}/lines/{line_id}/trace", operation_id="trace_line",
    summary="One line traced: clause, explanation, statement, journal entry, and its raw events page by page",
    responses=answers_with(Path(__file__).parents[1], "trace"),
)
async def trace_line(
    context: Ctx,
    document_id: DocumentId,
    line_id: LineId,
    limit: Annotated[int, Query(ge=1, le=200, description="Events a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`events.next_cursor` of the page before")] = None,
) -> dict[str, Any]:
    trace = await usecases.trace_line(context.db, RatingClient(context), document_id, line_id, cursor, limit)
    document = trace.document
    hashes = {**{piece.version: piece.clause_hash for piece in trace.pieces}, trace.line.version: trace.line.clause_hash}
    return {
        "object": "trace", "document": document.document_id, "number": document.number, "customer": document.customer,
        "contract": document.contract, "period": {"start": document.start_date.isoformat(), "end": document.end_date.isoformat()},
        "line": shown_line(trace.line, currency(document.currency)),
        "clause": _clause(trace.clauses[-1], hashes),
        "clause_versions": [_clause(clause, hashes) for clause in trace.clauses],
        "statement": {
            "id": document.statement_id, "revision": document.statement_revision, "final": document.statement_final, "watermark": document.watermark,
        },
        "explanation": trace.explanation,
        "journal_entry": shown_entry(trace.entry) if trace.entry else None,
        "events": trace.events,
    }


def _clause(clause: ClauseText, hashes: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": clause.clause, "hash": hashes[clause.version], "section": clause.section, "key": clause.key, "version": clause.version,
        "effective_at": instant(from_us(clause.effective_us)), "recorded_at": instant(from_us(clause.recorded_us)), "terms": clause.terms,
    }
