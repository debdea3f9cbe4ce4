"""GET /v1/invoices and one invoice, as JSON or as a page."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.billing.context import BillingContext, Ctx
from services.billing.documents import usecases
from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.clients import StatementsClient
from services.billing.documents.domain.document import Document
from services.billing.documents.page import PAGE_HEADERS, page_of, text_of
from services.billing.documents.parameters import Asked
from services.billing.documents.usecases import DocumentNotFound
from services.billing.parameters import DocumentId
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.cursors import name_in
from shared.http.examples import answers_with
from shared.http.formats import TEXT, Format, as_text
from shared.http.keys import requires
from shared.http.paging import Paged

router = APIRouter(prefix="/v1/invoices", tags=["Invoices"], dependencies=[requires("invoices:read")])
BILLING = Path(__file__).parents[1]


@router.get(
    "",
    operation_id="list_invoices",
    summary="Invoices and notes, newest first; of drafts made in one go, the latest period first",
)
async def list_invoices(context: Ctx, page: Paged, asked: Asked) -> Listed[DocumentAnswer]:
    before = name_in(page)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        found = await usecases.list_documents(uow, asked, before, page.limit + 1)
    shown = await usecases.show_current(StatementsClient(context), found[: page.limit], segments=False)
    return Listed[DocumentAnswer].page(
        [*shown, *found[page.limit :]], page, lambda document: [document.document_id], DocumentAnswer.of
    )


@router.get(
    "/{document_id}.html",
    operation_id="get_invoice_page",
    summary="One printable page",
    response_class=HTMLResponse,
)
@refuses(DocumentNotFound)
async def get_invoice_page(context: Ctx, document_id: DocumentId) -> Response:
    return HTMLResponse(page_of(await _shown(context, document_id)), headers=PAGE_HEADERS)


@router.get(
    "/{document_id}",
    operation_id="get_invoice",
    summary="One invoice or note; with `Accept: text/html` its printable page, with `format=text` its text",
    response_model=DocumentAnswer,
    responses=answers_with(BILLING, "invoice", **{"text/html": {}}, **TEXT),
)
@refuses(DocumentNotFound)
async def get_invoice(
    context: Ctx, request: Request, response: Response, document_id: DocumentId, format: Format = "json"
) -> DocumentAnswer | Response:
    varies = {"Vary": "Accept"}
    document = await _shown(context, document_id)
    if format == "text":
        return as_text(text_of(document))
    if _prefers_html(request.headers.get("accept", "")):
        return HTMLResponse(page_of(document), headers={**PAGE_HEADERS, **varies})
    response.headers.update(varies)
    return DocumentAnswer.of(document)


async def _shown(context: BillingContext, document_id: str) -> Document:
    async with context.db.transaction(isolation="repeatable_read") as uow:
        document = await usecases.get_document(uow, document_id)
    return (await usecases.show_current(StatementsClient(context), [document], segments=True))[0]


def _prefers_html(accept: str) -> bool:
    """Whether text/html is named before JSON: what browsers send."""
    html, json = accept.find("text/html"), accept.find("application/json")
    return html >= 0 and (json < 0 or html < json)
