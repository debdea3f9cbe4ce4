"""Pages of customers and of what was told of them, and the forms by which they are looked after."""

import asyncio
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.customers.page import (
    CUSTOMERS,
    LOOKS_AFTER,
    Act,
    Asked,
    customer_page,
    customers_page,
    signal_page,
)
from services.console.domain.addresses import address
from services.console.domain.forms import NOT_TRIED, Tried, texts_of
from services.console.domain.nouns import READS_CUSTOMERS
from services.console.domain.visit import Visit
from services.console.frame.answers import alone, downloaded, see_other, shown
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Silent, Told, required
from shared.http.faults import status_of
from shared.values.fields import AskedSubject, GivenId
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in(*READS_CUSTOMERS)]
ROWS: Final = 50
SIGNAL: Final = "/v1/signals/{}"
SAID: Final[dict[Act | None, str]] = {
    None: "",
    "acknowledge": "You look after it now.",
    "snooze": "It comes back then.",
    "note": "It is written down.",
}


@router.get(CUSTOMERS)
async def show_customers(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> HTMLResponse:
    told = await Services(context, visit).get(
        "signals", "/v1/customers", limit=ROWS, cursor=asked.cursor or None, **asked.narrowed
    )
    page = (
        customers_page(asked, None, told.block("Customers", visit.here), visit.zones)
        if isinstance(told, Silent)
        else customers_page(asked, told.document, None, visit.zones)
    )
    return await shown(context, visit, "customers.html", page)


@router.get(f"{CUSTOMERS}.csv")
async def download_customers(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> Response:
    told = await Services(context, visit).stream(
        "signals", "/v1/customers", accept=visit.zones.csv, **asked.narrowed
    )
    return await downloaded(context, visit, "Customers", told)


@router.get("/customers/{external_id}")
async def show_customer(external_id: AskedSubject, context: Ctx, visit: Reader) -> HTMLResponse:
    services = Services(context, visit)
    told, signals = await asyncio.gather(
        services.get("signals", "/v1/customers/{}/signals", external_id),
        services.get("signals", "/v1/signals", customer=external_id, limit=ROWS),
    )
    page = customer_page(
        required(told).document,
        signals.document if isinstance(signals, Told) else None,
        signals.block("What was told", visit.here) if isinstance(signals, Silent) else None,
        visit,
    )
    return await shown(context, visit, "customer.html", page)


@router.get("/signals/{signal_id}")
async def show_signal(
    signal_id: GivenId, context: Ctx, visit: Reader, done: Annotated[Act | None, Query()] = None
) -> HTMLResponse:
    return await _signal(context, visit, signal_id, said=SAID[done])


@router.post("/signals/{signal_id}/{act}")
async def look_after(
    signal_id: GivenId,
    act: Act,
    request: Request,
    context: Ctx,
    visit: Annotated[Visit, submits(*LOOKS_AFTER)],
) -> Response:
    """What is refused is shown beside its form, with what was typed."""
    form = texts_of(await request.form())
    asked = {"snooze": {"until": form.get("until", "")}, "note": {"text": form.get("text", "")}}.get(act)
    try:
        await Services(context, visit).change("signals", "POST", f"{SIGNAL}/{act}", signal_id, document=asked)
    except ServiceRefused as refused:
        tried = Tried.of(act, form, refused)
        return alone(await _signal(context, visit, signal_id, tried, status_of(type(refused))), act)
    return see_other(address("signals", signal_id, **visit.zones.query, done=act))


async def _signal(
    context: Ctx,
    visit: Visit,
    signal_id: str,
    tried: Tried = NOT_TRIED,
    status: int = 200,
    said: str = "",
) -> HTMLResponse:
    told = required(await Services(context, visit).get("signals", SIGNAL, signal_id))
    data = tuple(msgspec.json.format(msgspec.json.encode(told.document["data"])).decode().split("\n"))
    once = (new_id("idk"), new_id("idk"), new_id("idk"))
    page = signal_page(told.document, data, visit, once, tried)
    return await shown(context, visit, "signal.html", page, status=status, said=said)
