"""Routes of the door's counts."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from services.usage_ingest.context import Ctx
from services.usage_ingest.receipts import usecases
from services.usage_ingest.receipts.answers import DoorHourAnswer
from services.usage_ingest.receipts.rows import DoorFilter
from shared.http.answers import Listed
from shared.http.cursors import instant_in, parts_in
from shared.http.instants import Instant
from shared.http.keys import requires
from shared.http.paging import Page, Paged
from shared.runtime.clock import to_us
from shared.values.fields import AskedSource, GivenId

router = APIRouter(prefix="/v1/receipts", tags=["Receipts"])


@router.get(
    "/door",
    operation_id="list_door_hours",
    dependencies=[requires("usage:read")],
    summary="What came in by hour, key and source: received = published + quarantined + refused",
)
async def list_door_hours(
    context: Ctx,
    page: Paged,
    key_id: Annotated[GivenId | None, Query()] = None,
    source: Annotated[AskedSource | None, Query()] = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
) -> Listed[DoorHourAnswer]:
    after = _position(page)
    async with context.db.transaction() as uow:
        rows = await usecases.list_door_hours(
            uow, DoorFilter(key_id, source, since, until), after, page.limit + 1
        )
    return Listed[DoorHourAnswer].page(
        rows, page, lambda row: [to_us(row.hour), row.key_id, row.source], DoorHourAnswer.of
    )


def _position(page: Page) -> tuple[datetime, str, str] | None:
    """The row that a cursor names."""
    found = parts_in(page, int, str, str)
    if found is None:
        return None
    hour_us, key_id, source = found
    return instant_in(hour_us), key_id, source
