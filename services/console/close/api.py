"""Pages of a close, and the form that accepts suspense."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.console.close.page import (
    ACCEPTS,
    CLOSE,
    READS,
    accept_page,
    close_page,
    month_suspense_page,
    statements_page,
)
from services.console.close.usecases import ROWS, SUSPENSE, look_at, month_to_close, suspended_of
from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.forms import NOT_TRIED, Tried, members_in, texts_of
from services.console.domain.month import Month
from services.console.domain.visit import Visit
from services.console.frame.answers import see_other, shown
from services.console.reconciliation.page import now_form
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import required
from shared.http import months
from shared.http.faults import status_of
from shared.http.paging import CURSOR_CHARACTERS_MAX
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in(*READS)]
Text = Annotated[str, Query(max_length=4096)]
AskedMonth = Annotated[months.Month, Query()]
ACCEPTANCES: Final = "/v1/reconciliation/acceptances"


@router.get(CLOSE)
async def show_close(
    context: Ctx, visit: Reader, month: Annotated[months.Month | Literal[""], Query()] = ""
) -> HTMLResponse:
    of = Month(months.first_day(month)) if month else await month_to_close(context, visit)
    looked = await look_at(context, visit, of)
    page = close_page(looked, of, visit, now_form(visit, new_id("idk")))
    return await shown(context, visit, "close.html", page)


@router.get("/close/statements")
async def show_statements(
    context: Ctx,
    visit: Reader,
    month: AskedMonth,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX)] = None,
) -> HTMLResponse:
    services, of = Services(context, visit), Month(months.first_day(month))
    closing, found = await asyncio.gather(
        services.get("rating", "/v1/closing/{}", month),
        services.get("rating", "/v1/closing/{}/statements", month, limit=ROWS, cursor=cursor),
    )
    page = statements_page(required(closing).document, found, of, visit)
    return await shown(context, visit, "close_statements.html", page)


@router.get("/close/suspense")
async def show_month_suspense(
    context: Ctx, visit: Reader, month: AskedMonth, accepted: Annotated[bool, Query()] = False
) -> HTMLResponse:
    found = await Services(context, visit).get("billing", SUSPENSE, until=month)
    page = month_suspense_page(found, Month(months.first_day(month)), visit)
    said = "It is accepted, until more of it waits." if accepted else ""
    return await shown(context, visit, "close_suspense.html", page, said=said)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose usage of which type, why it waits, and the month that is closed."""

    customer: Text
    type: Text
    reason: Text
    month: AskedMonth

    @property
    def names(self) -> dict[str, str]:
        return {"customer": self.customer, "type": self.type, "reason": self.reason}


@router.get("/close/accept")
async def show_line(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> HTMLResponse:
    return await _line(context, visit, asked)


@router.post("/close/accept")
async def accept(
    request: Request,
    context: Ctx,
    visit: Annotated[Visit, submits(*ACCEPTS)],
    asked: Annotated[Asked, Depends()],
) -> Response:
    """Where more waits than was shown nothing is accepted: the page says what waits now, with what was typed."""
    form = texts_of(await request.form())
    document = {**members_in(form.get("seen", "")), **asked.names, "because": form.get("because", "")}
    try:
        await Services(context, visit).change("billing", "POST", ACCEPTANCES, document=document)
    except ServiceRefused as refused:
        tried = Tried.of("accept", form, refused)
        return await _line(context, visit, asked, tried, status_of(type(refused)))
    return see_other(address("close", "suspense", month=asked.month, accepted="true", **visit.zones.query))


async def _line(
    context: Ctx, visit: Visit, asked: Asked, tried: Tried = NOT_TRIED, status: int = 200
) -> HTMLResponse:
    line = await suspended_of(Services(context, visit), asked.customer, asked.type, asked.reason)
    of = Month(months.first_day(asked.month))
    page = accept_page(line, asked.names, of, visit, tried, new_id("idk"))
    return await shown(context, visit, "close_accept.html", page, status=status)
