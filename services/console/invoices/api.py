"""Pages of invoices: the list, one of them, its printable page, and one of its lines down to its raw events; and the forms by
which people decide about drafts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.fault import DownPage
from services.console.domain.forms import NOT_TRIED, Tried, words_of
from services.console.domain.visit import Visit
from services.console.frame.answers import alone, downloaded, see_other, shown
from services.console.invoices import usecases
from services.console.invoices.domain.document import Acted
from services.console.invoices.domain.reviews import Act, LookedAt, changed_since, read_looked_at
from services.console.invoices.page.document import invoice_page
from services.console.invoices.page.line import line_page
from services.console.invoices.page.listed import invoices_page
from services.console.invoices.page.reviews import (
    MANY,
    REVIEWS,
    Choosing,
    form_of_many,
    forms_on,
    refused_table,
    still_chosen,
)
from services.console.invoices.parameters import AskedFor, Cursor
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Silent
from shared.http.faults import status_of
from shared.values.ids import new_id

router = APIRouter(prefix="/invoices", include_in_schema=False)
Reader = Annotated[Visit, signed_in()]
Reviewer = Annotated[Visit, submits(*REVIEWS)]
Reason = Annotated[str, Form(max_length=10_000)]
Picked = Annotated[tuple[Annotated[str, Form(max_length=100_000)], ...], Form()]
SAID: Final[Mapping[Act | None, str]] = {
    None: "",
    "approve": "It is approved, and numbered as soon as its books hold.",
    "hold": "It is held: it gets no number until somebody releases it.",
    "release": "It goes on.",
    "seen": "It is marked as seen.",
}
SAID_OF_MANY: Final[Mapping[Act | None, str]] = {
    None: "",
    "approve": "All that was chosen is approved.",
    "hold": "All that was chosen is held.",
    "release": "All that was chosen goes on.",
    "seen": "All that was chosen is marked as seen.",
}
Done = Annotated[Act | None, Query()]


@dataclass(frozen=True, slots=True)
class Looked:
    """Which part of the list somebody looks at."""

    asked: AskedFor
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A form that had no effect, or not all of it: what was looked at, and of many what became of each."""

    tried: Tried = NOT_TRIED
    seen: tuple[LookedAt, ...] = ()
    acted: tuple[Acted, ...] = ()
    status: int = 200


NO_REFUSAL: Final = Refusal()
Looking = Annotated[Looked, Depends()]


@router.get("")
async def show_invoices(context: Ctx, visit: Reader, looked: Looking, done: Done = None) -> Response:
    return await _list(context, visit, looked, said=SAID_OF_MANY[done])


@router.get(".csv")
async def download_invoices(context: Ctx, visit: Reader, asked: AskedFor) -> Response:
    services = Services(context, visit)
    return await downloaded(
        context, visit, "Invoices", await usecases.download_documents(services, asked.said(), visit.zones)
    )


@router.post("/reviews")
async def review_invoices(
    context: Ctx,
    visit: Reviewer,
    looked: Looking,
    act: Annotated[Act, Form()],
    picked: Picked = (),
    reason: Reason = "",
) -> Response:
    """All that can be done is done. What is refused is listed with the reason, and still chosen."""
    seen, typed = tuple(read_looked_at(one) for one in picked), {"reason": reason}
    if not seen:
        refusal = Refusal(Tried(act, typed, "Choose some first."), status=400)
        return alone(await _list(context, visit, looked, refusal), MANY)
    try:
        told = await usecases.review_documents(Services(context, visit), act, seen, reason)
    except ServiceRefused as refused:
        refusal = Refusal(Tried(act, typed, _why(refused)), seen, status=status_of(type(refused)))
        return alone(await _list(context, visit, looked, refusal), MANY)
    if told.refused:
        tried = Tried(act, typed, f"{told.done} done, {told.refused} refused.")
        refusal = Refusal(tried, seen, tuple(told.acts), 200 if told.done else 409)
        return await _list(context, visit, looked, refusal)
    return see_other(_address_of(looked, visit, done=act))


@router.get("/{document}")
async def show_invoice(context: Ctx, visit: Reader, document: str, done: Done = None) -> Response:
    return await _document(context, visit, document, said=SAID[done])


@router.post("/{document}/{act}")
async def review_invoice(
    document: str,
    act: Act,
    context: Ctx,
    visit: Reviewer,
    looked_at: Annotated[str, Form(max_length=100_000)],
    reason: Reason = "",
) -> Response:
    """What is refused is shown beside its form, with what was typed, and what has changed since the page was opened."""
    seen = read_looked_at(looked_at)
    try:
        await usecases.review_document(Services(context, visit), document, act, seen, reason)
    except ServiceRefused as refused:
        tried = Tried(act, {"reason": reason}, _why(refused))
        refusal = Refusal(tried, (seen,), status=status_of(type(refused)))
        return alone(await _document(context, visit, document, refusal), act)
    return see_other(address("invoices", document, **visit.zones.query, done=act))


@router.get("/{document}/print")
async def print_invoice(context: Ctx, visit: Reader, document: str) -> Response:
    """Billing's own page, under its own policy."""
    printed = await usecases.print_document(Services(context, visit), document)
    return await downloaded(context, visit, "Printable page", printed)


@router.get("/{document}/lines/{line}")
async def show_line(context: Ctx, visit: Reader, document: str, line: str, cursor: Cursor = "") -> Response:
    traced = await usecases.trace_line(Services(context, visit), document, line, cursor)
    if isinstance(traced, Silent):
        return await shown(context, visit, "down.html", DownPage("Line", traced.block("Line", visit.here)))
    return await shown(context, visit, "line.html", line_page(traced, visit))


@router.get("/{document}/lines/{line}/events.csv")
async def download_events(context: Ctx, visit: Reader, document: str, line: str) -> Response:
    events = await usecases.download_events(Services(context, visit), document, line, visit.zones)
    return await downloaded(context, visit, "Raw events", events)


async def _list(
    context: Ctx, visit: Visit, looked: Looked, refusal: Refusal = NO_REFUSAL, *, said: str = ""
) -> HTMLResponse:
    asked = looked.asked.said()
    found = await usecases.list_documents(Services(context, visit), asked, looked.cursor)
    choosing = None
    if not isinstance(found, Silent):
        action = _address_of(looked, visit, "reviews")
        choosing = Choosing(
            form_of_many(action, visit, new_id("idk"), refusal.tried),
            still_chosen(refusal.seen, refusal.acted),
            refused_table(refusal.seen, refusal.acted, found.documents.data, visit.zones),
        )
    page = invoices_page(asked, found, visit, choosing)
    return await shown(context, visit, "invoices.html", page, status=refusal.status, said=said)


async def _document(
    context: Ctx, visit: Visit, document: str, refusal: Refusal = NO_REFUSAL, *, said: str = ""
) -> HTMLResponse:
    seen = await usecases.show_document(Services(context, visit), document)
    if isinstance(seen, Silent):
        here = address("invoices", document, **visit.zones.query)
        return await shown(context, visit, "down.html", DownPage("Invoice", seen.block("Invoice", here)))
    changes = (changed_since(looked_at, seen.document) for looked_at in refusal.seen)
    tried = replace(refusal.tried, fault=" ".join((refusal.tried.fault, *changes)).strip())
    forms = forms_on(seen.document, visit, lambda: new_id("idk"), tried)
    page = invoice_page(seen, visit, forms)
    return await shown(context, visit, "invoice.html", page, status=refusal.status, said=said)


def _address_of(looked: Looked, visit: Visit, *below: str, **more: str) -> str:
    asked = {**looked.asked.said(), **visit.zones.query, "cursor": looked.cursor, **more}
    return address("invoices", *below, **asked)


def _why(refused: ServiceRefused) -> str:
    """As billing says it. What stands in place of what was looked at, the page itself shows."""
    if refused.problem.get("code") == "newer_revision":
        return refused.title
    return words_of(refused)
