"""GET /v1/events: the raw events behind a quantity."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from services.rating.metering.raw.repository import RawRepository
from services.rating.metering.raw.usecases import CountedEvent, Selection, events_behind
from services.rating.metering.readings_repository import SUBJECT_ALONE
from services.rating.metering.usage.domain import TimesReversed, instant_of
from services.rating.metering.usage.parameters import Customer, Meter, Subject
from services.rating.metering.usage.usecases import whose
from shared.clock import to_us
from shared.decimals import plain
from shared.errors import AppError
from shared.http.keys import requires
from shared.http.paging import Paged, listed
from shared.http.places import event_place
from shared.service import Ctx

router = APIRouter(prefix="/v1", tags=["Usage"])
BATCH_MAX = 2**63 - 1
GROUP_CHARACTERS_MAX = 4000                      # five paths with their values, escaped
_decode = msgspec.json.Decoder(float_hook=str).decode          # decimals travel as strings


class ParameterUnreadable(AppError):
    """This parameter is a small JSON object."""


@router.get("/events", operation_id="list_events", summary="The raw events a meter counted, in order of time", dependencies=[requires("usage:read")])
async def list_events(
    context: Ctx,
    page: Paged,
    meter: Meter,
    from_: Annotated[str, Query(alias="from", max_length=40, description="RFC 3339 instant or local date")],
    to: Annotated[str, Query(max_length=40, description="RFC 3339 instant or local date, exclusive")],
    customer: Customer = None,
    subject: Subject = None,
    group: Annotated[str, Query(max_length=GROUP_CHARACTERS_MAX, description='Dimensions the events must have: {"region": "eu"}')] = "{}",
    before_batch: Annotated[str | None, Query(max_length=4000, description='Watermark: partition → last batch id, {"0": 17}')] = None,
) -> dict[str, Any]:
    dimensions = _object("group", group, dict[str, str])
    watermark = _object("before_batch", before_batch, dict[str, int]) if before_batch else None
    if watermark and not all(0 <= batch_id <= BATCH_MAX for batch_id in watermark.values()):
        raise ParameterUnreadable("before_batch: a batch id is a positive 64-bit number")
    async with context.db.transaction(isolation="repeatable_read") as uow:
        owner = await whose(uow.connection, customer, subject)
        start, end = instant_of(from_, owner.timezone), instant_of(to, owner.timezone)
        if start >= end:
            raise TimesReversed(f"from {from_} to {to}")
        subjects = [subject] if subject is not None else await RawRepository(uow.connection).subjects_of(owner.owner.removeprefix(SUBJECT_ALONE))
        selection = Selection(tuple(subjects), meter, start, end, dimensions, watermark)
        found = await events_behind(uow.connection, selection, event_place(page), page.limit + 1)
    return listed(found, page, lambda event: [to_us(event.row["time"]), event.row["batch_id"], event.row["seq"]], shown)


def shown(event: CountedEvent) -> dict[str, Any]:
    """An event as the API shows it, with what it added to the meter."""
    row = event.row
    return {
        "object": "event", "source": row["source"], "id": row["id"], "type": row["type"], "subject": row["subject"], "time": _text(row["time"]),
        "data": _decode(row["body"]), "received_at": _text(row["received_at"]), "batch_id": row["batch_id"],
        "partition": row["partition"], "group": msgspec.json.decode(event.group), "value": plain(Decimal(event.value)), "item": event.item,
    }


def _object(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as fault:
        raise ParameterUnreadable(f"{name}: {fault}") from fault


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
