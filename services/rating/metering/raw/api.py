"""GET /v1/events: the raw events behind a quantity."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from services.rating.metering.memory import Ctx
from services.rating.metering.raw.answers import CountedEventAnswer
from services.rating.metering.raw.usecases.events_behind import Selection, events_behind, subjects_meant
from services.rating.metering.usage.domain import TimesReversed, instant_of
from services.rating.metering.usage.parameters import Customer, Meter, Subject
from services.rating.metering.usage.usecases import (
    CustomerOrSubject,
    CustomerUnknown,
    DimensionUnknown,
    whose,
)
from services.rating.metering.usecases.read_quantities import MeterGone
from shared.errors import AppError, refuses
from shared.http.answers import Listed
from shared.http.cursors import event_place, place_key
from shared.http.keys import requires
from shared.http.paging import Paged

router = APIRouter(prefix="/v1", tags=["Usage"])
BATCH_MAX = 2**63 - 1
GROUP_CHARACTERS_MAX = 4000  # five paths with their values, escaped


class ParameterUnreadable(AppError):
    """This parameter is a small JSON object."""


@router.get(
    "/events",
    operation_id="list_events",
    summary="The raw events a meter counted, in order of time",
    dependencies=[requires("usage:read")],
)
@refuses(CustomerOrSubject, CustomerUnknown, DimensionUnknown, MeterGone, ParameterUnreadable, TimesReversed)
async def list_events(
    context: Ctx,
    page: Paged,
    meter: Meter,
    from_: Annotated[str, Query(alias="from", max_length=40, description="RFC 3339 instant or local date")],
    to: Annotated[str, Query(max_length=40, description="RFC 3339 instant or local date, exclusive")],
    customer: Customer = None,
    subject: Subject = None,
    group: Annotated[
        str,
        Query(
            max_length=GROUP_CHARACTERS_MAX, description='Dimensions the events must have: {"region": "eu"}'
        ),
    ] = "{}",
    before_batch: Annotated[
        str | None, Query(max_length=4000, description='Watermark: partition → last batch id, {"0": 17}')
    ] = None,
) -> Listed[CountedEventAnswer]:
    dimensions = _object("group", group, dict[str, str])
    watermark = _object("before_batch", before_batch, dict[str, int]) if before_batch else None
    if watermark and not all(0 <= batch_id <= BATCH_MAX for batch_id in watermark.values()):
        raise ParameterUnreadable("before_batch: a batch id is a positive 64-bit number")
    async with context.db.transaction(isolation="repeatable_read") as uow:
        owner = await whose(uow.connection, customer, subject)
        start, end = instant_of(from_, owner.timezone), instant_of(to, owner.timezone)
        if start >= end:
            raise TimesReversed(f"from {from_} to {to}")
        subjects = await subjects_meant(uow.connection, owner)
        selection = Selection(subjects, meter, start, end, dimensions, watermark)
        found = await events_behind(uow.connection, selection, event_place(page), page.limit + 1)
    return Listed[CountedEventAnswer].page(
        found, page, lambda event: place_key(event.place), CountedEventAnswer.of
    )


def _object(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as fault:
        raise ParameterUnreadable(f"{name}: {fault}") from fault
