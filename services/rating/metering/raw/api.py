"""GET /v1/events: the raw events behind a quantity."""

from fastapi import APIRouter

from services.rating.metering.memory import Ctx
from services.rating.metering.raw.answers import CountedEventAnswer
from services.rating.metering.raw.parameters import Asked, ParameterUnreadable
from services.rating.metering.raw.rows import Selection
from services.rating.metering.raw.usecases.events_behind import events_behind, subjects_meant
from services.rating.metering.usage.domain import TimesReversed, instant_of
from services.rating.metering.usage.parameters import Meter, Owner
from services.rating.metering.usage.usecases import REFUSED, whose
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.cursors import event_place, place_key
from shared.http.keys import requires
from shared.http.paging import Paged

router = APIRouter(prefix="/v1", tags=["Usage"])


@router.get(
    "/events",
    operation_id="list_events",
    summary="The raw events a meter counted, in order of time",
    dependencies=[requires("usage:read")],
)
@refuses(*REFUSED, ParameterUnreadable)
async def list_events(
    context: Ctx, page: Paged, meter: Meter, asked_of: Owner, asked: Asked
) -> Listed[CountedEventAnswer]:
    dimensions, watermark = asked.dimensions(), asked.watermark()
    async with context.db.transaction(isolation="repeatable_read") as uow:
        owner = await whose(uow, asked_of.customer, asked_of.subject)
        start, end = instant_of(asked.start, owner.timezone), instant_of(asked.end, owner.timezone)
        if start >= end:
            raise TimesReversed(f"from {asked.start} to {asked.end}")
        subjects = await subjects_meant(uow, owner)
        selection = Selection(subjects, meter, start, end, dimensions, watermark)
        found = await events_behind(uow, selection, event_place(page), page.limit + 1)
    return Listed[CountedEventAnswer].page(
        found, page, lambda event: place_key(event.place), CountedEventAnswer.of
    )
