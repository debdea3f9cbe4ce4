"""Pages of the quarantine, and the forms that resolve an event."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.forms import NOT_TRIED, Tried, texts_of
from services.console.domain.nouns import READS_EVENTS
from services.console.domain.visit import Visit
from services.console.frame.answers import alone, downloaded, see_other, shown
from services.console.quarantine.page import (
    MENDS,
    QUARANTINE,
    Act,
    Asked,
    quarantine_page,
    quarantined_page,
)
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Silent, Written, required
from shared.http.faults import status_of
from shared.values.fields import GivenId
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in(*READS_EVENTS)]
ROWS: Final = 50
ALL: Final = "/v1/quarantine"
ONE: Final = "/v1/quarantine/{}"
SAID: Final[dict[Act | None, str]] = {
    None: "",
    "replay": "It fits now, and is counted once.",
    "repair": "It is counted as you wrote it.",
    "discard": "It is closed without being counted.",
}


@router.get(QUARANTINE)
async def show_quarantine(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> HTMLResponse:
    told = await Services(context, visit).get(
        "usage_ingest", ALL, limit=ROWS, cursor=asked.cursor or None, **asked.narrowed
    )
    page = (
        quarantine_page(asked, None, told.block("Quarantine", visit.here), visit.zones)
        if isinstance(told, Silent)
        else quarantine_page(asked, told.document, None, visit.zones)
    )
    return await shown(context, visit, "quarantine.html", page)


@router.get(f"{QUARANTINE}.csv")
async def download_quarantine(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> Response:
    told = await Services(context, visit).stream(
        "usage_ingest", ALL, accept=visit.zones.csv, **asked.narrowed
    )
    return await downloaded(context, visit, "Quarantine", told)


@router.get("/quarantine/{quarantine_id}")
async def show_quarantined(
    quarantine_id: GivenId, context: Ctx, visit: Reader, done: Annotated[Act | None, Query()] = None
) -> HTMLResponse:
    return await _quarantined(context, visit, quarantine_id, said=SAID[done])


@router.post("/quarantine/{quarantine_id}/{act}")
async def resolve(
    quarantine_id: GivenId,
    act: Act,
    request: Request,
    context: Ctx,
    visit: Annotated[Visit, submits(*MENDS)],
) -> Response:
    """What is refused is shown beside its form, with what was typed."""
    form = texts_of(await request.form())
    try:
        told = await Services(context, visit).change(
            "usage_ingest", "POST", f"{ONE}/{act}", quarantine_id, document=_document(act, form)
        )
    except ServiceRefused as refused:
        tried = Tried.of(act, form, refused)
        refusal = await _quarantined(context, visit, quarantine_id, tried, status_of(type(refused)))
        return alone(refusal, act)
    if told.document["status"] == "open":
        tried = Tried(act, form, f"It still does not fit: {told.document['detail']}")
        return alone(await _quarantined(context, visit, quarantine_id, tried), act)
    return see_other(address("quarantine", quarantine_id, **visit.zones.query, done=act))


def _document(act: Act, form: dict[str, str]) -> object:
    if act == "repair":
        return Written(f'{{"event": {form.get("event", "")}}}', "application/json")
    return {"reason": form.get("reason", "")} if act == "discard" else None


async def _quarantined(
    context: Ctx,
    visit: Visit,
    quarantine_id: str,
    tried: Tried = NOT_TRIED,
    status: int = 200,
    said: str = "",
) -> HTMLResponse:
    told = required(await Services(context, visit).get("usage_ingest", ONE, quarantine_id))
    once = (new_id("idk"), new_id("idk"), new_id("idk"))
    page = quarantined_page(told.document, visit, once, tried)
    return await shown(context, visit, "quarantined.html", page, status=status, said=said)
