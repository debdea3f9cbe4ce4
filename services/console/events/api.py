"""The page of what became of an event."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from services.console.context import Ctx
from services.console.domain.nouns import READS_EVENTS
from services.console.domain.visit import Visit
from services.console.events.page import EVENTS, Asked, EventsPage, filters, found_of
from services.console.frame.answers import shown
from services.console.sessions.parameters import signed_in
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Silent

router = APIRouter(include_in_schema=False)
#: Resolved ones among them; an id is in quarantine once for each body that could not be taken.
QUARANTINED_SHOWN = 20


@router.get(EVENTS)
async def show_event(
    context: Ctx,
    visit: Annotated[Visit, signed_in(*READS_EVENTS)],
    asked: Annotated[Asked, Depends()],
) -> HTMLResponse:
    return await shown(context, visit, "events.html", await _page(context, visit, asked))


async def _page(context: Ctx, visit: Visit, asked: Asked) -> EventsPage:
    if not asked.is_asked:
        return EventsPage("Events", filters(asked, visit.zones))
    services = Services(context, visit)
    told, quarantined = await asyncio.gather(
        services.get("rating", "/v1/events/explain", source=asked.source, id=asked.id),
        services.get(
            "usage_ingest", "/v1/quarantine", source=asked.source, id=asked.id, limit=QUARANTINED_SHOWN
        ),
    )
    if isinstance(told, Silent):
        return EventsPage(
            "Events", filters(asked, visit.zones), down=told.block("What became of it", visit.here)
        )
    down, kept = None, []
    if isinstance(quarantined, Silent):
        down = quarantined.block("Whether it is in quarantine", visit.here)
    else:
        kept = quarantined.document["data"]
    found = found_of(told.document, kept, visit)
    return EventsPage(f"Event {asked.id}", filters(asked, visit.zones), found, down)
