"""GET /v1/reconciliation and its drills: what became of every event and every cent."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from services.billing.conservation.answers import DoorHourAnswer, PlacedEventAnswer, ReconciliationAnswer
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.parameters import Customer, Events, Name, Span, Usage
from services.billing.conservation.usecases.reconcile import door_hours, placed_events, reconciled
from services.billing.conservation.usecases.watch import ConservationContext, Ctx
from shared.http.answers import Listed
from shared.http.cursors import event_place
from shared.http.examples import answers_with
from shared.http.instants import Instant
from shared.http.keys import requires
from shared.http.paging import Page, Paged
from shared.values.instants import to_us

router = APIRouter(prefix="/v1", tags=["Reconciliation"], dependencies=[requires("invoices:read")])
HOURS_MAX = 10_000


@router.get(
    "/reconciliation",
    operation_id="reconcile",
    summary="What became of the usage, in counts, quantities and money; K1–K5",
    responses=answers_with(Path(__file__).parents[1], "reconciliation"),
)
async def reconcile(
    context: Ctx,
    asked: Usage,
    check: Annotated[
        bool | None,
        Query(
            description="Check K1–K5 now, or show the last check; default: now, if nothing narrows the question"
        ),
    ] = None,
) -> ReconciliationAnswer:
    monitor, narrow = context.state.monitor, asked.narrow()
    if monitor.report is None or (check if check is not None else asked.is_whole):
        await monitor.check()
    found = await reconciled(monitor.auditor, narrow)
    assert monitor.report is not None
    return ReconciliationAnswer.of(narrow, found, monitor.report)


@router.get(
    "/reconciliation/events", operation_id="reconcile_events", summary="The events of a bucket, by time"
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
    summary="What each key and source brought in each hour: K2 in figures",
)
async def reconcile_door(
    context: Ctx,
    start: Annotated[Instant, Query(alias="from", description="Hours from here")],
    to: Annotated[Instant, Query(description="Hours before this instant")],
) -> Listed[DoorHourAnswer]:
    found = await door_hours(context.state.monitor.auditor, start, to, HOURS_MAX + 1)
    return Listed(
        data=[DoorHourAnswer.of(hour) for hour in found[:HOURS_MAX]],
        has_more=len(found) > HOURS_MAX,
        next_cursor=None,
    )


async def _events(
    context: ConservationContext, page: Page, narrow: Narrow, drill: Drill
) -> Listed[PlacedEventAnswer]:
    found = await placed_events(context.state.monitor.auditor, narrow, drill, page.limit + 1)
    return Listed[PlacedEventAnswer].page(
        found, page, lambda event: [to_us(event.time), event.batch_id, event.seq], PlacedEventAnswer.of
    )
