"""The events behind the figures: those of a bucket, those held late, and what the door took by hour."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.billing.conservation.answers.events import DoorHourAnswer, PlacedEventAnswer
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.parameters import Customer, Events, Name, Span
from services.billing.conservation.usecases.reconcile import door_hours, placed_events
from services.billing.conservation.usecases.watch import ConservationContext, Ctx
from shared.http.answers import Listed
from shared.http.cursors import event_place, instant_in, parts_in
from shared.http.instants import Instant
from shared.http.keys import requires
from shared.http.paging import Page, Paged
from shared.values.instants import to_us

router = APIRouter(prefix="/v1", tags=["Reconciliation"])
READ = requires("invoices:read")


@router.get(
    "/reconciliation/events",
    operation_id="reconcile_events",
    dependencies=[READ],
    summary="The events of a bucket, by time",
)
async def reconcile_events(
    context: Ctx,
    page: Paged,
    asked: Events,
    span: Span,
    bucket: Annotated[Bucket | None, Query()] = None,
    reason: Annotated[Reason | None, Query()] = None,
) -> Listed[PlacedEventAnswer]:
    narrow = Narrow(*span.bounds(), asked.customer, asked.type, asked.meter)
    return await _events(context, page, narrow, Drill(bucket, reason, None, event_place(page)))


@router.get(
    "/held-late",
    operation_id="list_held_late",
    dependencies=[READ],
    summary="Usage, voids and leavings that came after the cut of a final statement",
)
async def held_late(
    context: Ctx,
    page: Paged,
    span: Span,
    customer: Customer = None,
    contract: Name = None,
) -> Listed[PlacedEventAnswer]:
    narrow = Narrow(*span.bounds(), customer)
    return await _events(context, page, narrow, Drill(Bucket.HELD_LATE, None, contract, event_place(page)))


@router.get(
    "/reconciliation/door",
    operation_id="reconcile_door",
    dependencies=[READ],
    summary="What each key and source brought in each hour, by hour: K2 in figures",
)
async def reconcile_door(
    context: Ctx,
    page: Paged,
    start: Annotated[Instant, Query(alias="from", description="Hours from here")],
    to: Annotated[Instant, Query(description="Hours before this instant")],
) -> Listed[DoorHourAnswer]:
    after = parts_in(page, int, str, str)
    place = None if after is None else (instant_in(after[0]), after[1], after[2])
    found = await door_hours(context.state.monitor.auditor, start, to, place, page.limit + 1)
    return Listed[DoorHourAnswer].page(
        found, page, lambda row: [to_us(row.hour), row.key_id, row.source], DoorHourAnswer.of
    )


async def _events(
    context: ConservationContext, page: Page, narrow: Narrow, drill: Drill
) -> Listed[PlacedEventAnswer]:
    found = await placed_events(context.state.monitor.auditor, narrow, drill, page.limit + 1)
    return Listed[PlacedEventAnswer].page(
        found, page, lambda event: [to_us(event.time), event.batch_id, event.seq], PlacedEventAnswer.of
    )
