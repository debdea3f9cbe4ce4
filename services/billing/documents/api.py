"""GET /v1/invoices and one invoice, as JSON or as a page."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.billing.context import BillingContext, Ctx
from services.billing.documents import usecases
from services.billing.documents.answers import DocumentAnswer, DocumentTotalsAnswer
from services.billing.documents.clients import StatementsClient
from services.billing.documents.domain.document import Document
from services.billing.documents.page import PAGE_HEADERS, page_of, text_of
from services.billing.documents.parameters import Asked, CurrencyMissing, Sorted
from services.billing.documents.usecases import DocumentNotFound
from services.billing.parameters import DocumentId
from shared.errors import refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.examples import answers_with
from shared.http.formats import TEXT, Format, as_text
from shared.http.keys import requires
from shared.http.page import Cells

router = APIRouter(prefix="/v1/invoices", tags=["Invoices"], dependencies=[requires("invoices:read")])
BILLING = Path(__file__).parents[1]


@router.get(
    "",
    operation_id="list_invoices",
    summary="Invoices and notes, newest first; of drafts made in one go, the latest period first",
)
@refuses(CurrencyMissing)
async def list_invoices(context: Ctx, asked: Asked, sorted_: Sorted) -> Listed[DocumentAnswer]:
    """By when they were made (made in one go: by period), by total (of one `currency`), by how much the total changed against the last
    period's, the customer's id, or the day they are due or were issued. An open draft is shown as it is now, and found and
    sorted as it was heard last."""
    if sorted_.window.order.key == "amount" and asked.currency is None:
        raise CurrencyMissing()
    page = sorted_.page
    async with context.db.transaction(isolation="repeatable_read") as uow:
        places = await usecases.list_places(uow, asked, sorted_.window)
        listed = places[: page.limit]
        cells = {} if page.handed is None else await usecases.list_cells(uow, listed)
        found = await usecases.list_documents(uow, [one for one in listed if one.document_id not in cells])
        counted = await usecases.count_documents(uow, asked) if sorted_.count else None
    shown = await usecases.show_current(StatementsClient(context), found, segments=False)
    by_id: dict[str, DocumentAnswer | Cells] = {
        **cells,
        **{document.document_id: DocumentAnswer.of(document) for document in shown},
    }
    return Listed[DocumentAnswer].page(
        places, page, sorted_.place, lambda place: by_id[place.document_id], CountAnswer.of(counted)
    )


@router.get(
    "/totals",
    operation_id="total_invoices",
    summary="What invoices and notes come to, by state and currency",
)
async def total_invoices(context: Ctx, asked: Asked) -> DocumentTotalsAnswer:
    """Of those that `GET /v1/invoices` lists by the same filter; open drafts as they were heard last. Currencies are never
    added."""
    async with context.db.transaction() as uow:
        return DocumentTotalsAnswer.of(await usecases.total_documents(uow, asked))


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
