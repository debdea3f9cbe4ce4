"""GET /v1/invoices/{id}/lines/{line}/trace."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from services.billing.context import Ctx
from services.billing.documents.usecases import DocumentNotFound
from services.billing.parameters import DocumentId, LineId
from services.billing.tracing import usecases
from services.billing.tracing.answers import TraceAnswer
from services.billing.tracing.clients import RatingClient, RatingRefused, RatingUnavailable
from services.billing.tracing.usecases import ClauseNotHeard, LineNotFound
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
