"""GET /v1/events/explain and GET /v1/suspense."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.rating.context import Ctx
from services.rating.disposition.answers import (
    EventExplanationAnswer,
    NewestEventsAnswer,
    SuspenseAnswer,
    SuspenseTotalsAnswer,
)
from services.rating.disposition.domain.verdict import Verdict
from services.rating.disposition.parameters import After, Limit, Suspense, SuspenseSort, Wanted
from services.rating.disposition.usecases.explain_event import explain_event
from services.rating.disposition.usecases.list_newest import list_newest
from services.rating.disposition.usecases.list_suspense import (
    SuspenseTooLarge,
    by_value,
    count_suspended,
    suspended,
    suspended_by_value,
    total_suspense,
)
from shared.errors import refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.cursors import parts_in
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.http.sorting import Counting
from shared.values.fields import AskedEventId, AskedSource

router = APIRouter(prefix="/v1", tags=["Usage"])
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
    "/events/latest",
    operation_id="latest_events",
    summary="The events that were stored last, the newest first, with what became of each",
    dependencies=[requires("usage:read")],
)
async def latest_events(context: Ctx, wanted: Wanted, after: After, limit: Limit = 50) -> NewestEventsAnswer:
    """Verdicts are those of `GET /v1/events/explain`. Of the newest 10,000 events those are shown that fit: who looks for an
    older one asks by its name, subject or meter. What was quarantined is listed by usage_ingest, and is not stored."""
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return NewestEventsAnswer.of(await list_newest(uow, wanted, after, limit))


@router.get(
    "/suspense",
    operation_id="list_suspense",
    dependencies=[requires("usage:read")],
    summary="Usage without customer, meter or contract, by owner, type and UTC month, valued at list price",
)
@refuses(SuspenseTooLarge)
async def list_suspense(
    context: Ctx,
    page: Paged,
    wanted: Suspense,
    sort: SuspenseSort = "owner",
    count: Counting = False,
) -> Listed[SuspenseAnswer]:
    """Sorted by worth, a row whose worth changes between two pages changes place, and is skipped or comes twice."""
    by_worth, limit = sort == "-value", page.limit + 1
    async with context.db.transaction(isolation="repeatable_read") as uow:
        rows = (
            await suspended_by_value(uow, wanted, parts_in(page, str, int, *[str] * PLACE_PARTS), limit)
            if by_worth
            else await suspended(uow, wanted, parts_in(page, *[str] * PLACE_PARTS), limit)
        )
        found = await count_suspended(uow, wanted) if count else None
    return Listed[SuspenseAnswer].page(
        rows,
        page,
        lambda row: list(by_value(row) if by_worth else row.place),
        SuspenseAnswer.of,
        CountAnswer.of(found),
    )


@router.get(
    "/suspense/totals",
    operation_id="total_suspense",
    dependencies=[requires("usage:read")],
    summary="What suspense comes to, by reason and currency",
)
@refuses(SuspenseTooLarge)
async def get_totals(context: Ctx, wanted: Suspense) -> SuspenseTotalsAnswer:
    """The sums of the rows as they are listed; currencies are never added."""
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return SuspenseTotalsAnswer.of(await total_suspense(uow, wanted))
