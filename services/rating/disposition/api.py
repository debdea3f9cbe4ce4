"""GET /v1/events/explain and GET /v1/suspense."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.rating.context import Ctx
from services.rating.disposition.answers import EventExplanationAnswer, SuspenseAnswer
from services.rating.disposition.domain.verdict import Verdict
from services.rating.disposition.rows import SuspenseFilter
from services.rating.disposition.usecases.explain_event import explain_event
from services.rating.disposition.usecases.list_suspense import suspended
from services.rating.metering.usage.domain import TimesReversed, instant_of
from services.rating.metering.usage.parameters import Customer, Subject
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.cursors import parts_in
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.values.fields import AskedEventId, AskedSource

router = APIRouter(prefix="/v1", tags=["Usage"])
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
PLACE_PARTS = 4


WORDS = (
    f"`verdict` is one of {', '.join(Verdict)}: what rating and the bus know. An event that was quarantined is unknown here: "
    "ask GET /v1/quarantine of usage_ingest, or `u2c events explain`, which asks for you, and for the documents."
)


@router.get(
    "/events/explain",
    operation_id="explain_event",
    summary="What became of this event?",
    description=WORDS,
    dependencies=[requires("usage:read")],
)
async def explain(
    context: Ctx,
    source: Annotated[AskedSource, Query()],
    id: Annotated[AskedEventId, Query()],
) -> EventExplanationAnswer:
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return EventExplanationAnswer.of(await explain_event(uow, context.bus, source, id))


@router.get(
    "/suspense",
    operation_id="list_suspense",
    dependencies=[requires("usage:read")],
    summary="Usage without customer, meter or contract, by owner, type and UTC month, valued at list price",
)
@refuses(TimesReversed)
async def list_suspense(
    context: Ctx,
    page: Paged,
    customer: Customer = None,
    subject: Subject = None,
    from_: Annotated[
        str | None, Query(alias="from", max_length=40, description="RFC 3339 instant or UTC date")
    ] = None,
    to: Annotated[
        str | None, Query(max_length=40, description="RFC 3339 instant or UTC date, exclusive")
    ] = None,
) -> Listed[SuspenseAnswer]:
    start = instant_of(from_, "UTC") if from_ else EARLIEST
    end = instant_of(to, "UTC") if to else context.clock.now() + timedelta(days=1)
    if start >= end:
        raise TimesReversed(f"from {start.isoformat()} to {end.isoformat()}")
    after = parts_in(page, *[str] * PLACE_PARTS)
    wanted = SuspenseFilter(start, end, customer, subject)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        rows = await suspended(uow, wanted, after, page.limit + 1)
    return Listed[SuspenseAnswer].page(rows, page, lambda row: list(row.place), SuspenseAnswer.of)
