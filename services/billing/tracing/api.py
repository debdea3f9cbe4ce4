"""Where a line comes from, what it came to in other periods, and what became of its document."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from services.billing.context import Ctx
from services.billing.documents.usecases import DocumentNotFound
from services.billing.parameters import DocumentId, LineId
from services.billing.tracing.answers import DocumentHistoryAnswer, LinePeriodsAnswer, TraceAnswer
from services.billing.tracing.clients import RatingClient, RatingRefused, RatingUnavailable
from services.billing.tracing.usecases import trace as usecases
from services.billing.tracing.usecases.follow import follow_line, tell_history
from services.billing.tracing.usecases.trace import ClauseNotHeard, LineNotFound
from shared.errors import refuses
from shared.http.examples import answers_with
from shared.http.keys import requires
from shared.http.paging import CURSOR_CHARACTERS_MAX

router = APIRouter(prefix="/v1/invoices", tags=["Invoices"], dependencies=[requires("invoices:read")])


@router.get(
    "/{document_id}/lines/{line_id}/trace",
    operation_id="trace_line",
    summary="One line traced: clause, explanation, statement, journal entry, and its raw events page by page",
    responses=answers_with(Path(__file__).parents[1], "trace"),
)
@refuses(DocumentNotFound, LineNotFound, ClauseNotHeard, RatingRefused, RatingUnavailable)
async def trace_line(
    context: Ctx,
    document_id: DocumentId,
    line_id: LineId,
    limit: Annotated[int, Query(ge=1, le=200, description="Events a page")] = 50,
    cursor: Annotated[
        str | None,
        Query(max_length=CURSOR_CHARACTERS_MAX, description="`events.next_cursor` of the page before"),
    ] = None,
) -> TraceAnswer:
    return TraceAnswer.of(
        await usecases.trace_line(context.db, RatingClient(context), document_id, line_id, cursor, limit)
    )


@router.get(
    "/{document_id}/lines/{line_id}/periods",
    operation_id="follow_line",
    summary="One line over the last periods of its contract",
)
@refuses(DocumentNotFound, LineNotFound)
async def get_line_periods(
    context: Ctx,
    document_id: DocumentId,
    line_id: LineId,
    limit: Annotated[int, Query(ge=1, le=60, description="Periods, up to that of the document")] = 12,
) -> LinePeriodsAnswer:
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return LinePeriodsAnswer.of(*await follow_line(uow, document_id, line_id, limit))


@router.get(
    "/{document_id}/history",
    operation_id="get_invoice_history",
    summary="What became of an invoice or note: drafted, closed, held, approved, numbered, posted",
)
@refuses(DocumentNotFound)
async def get_invoice_history(context: Ctx, document_id: DocumentId) -> DocumentHistoryAnswer:
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return DocumentHistoryAnswer.of(*await tell_history(uow, document_id))
