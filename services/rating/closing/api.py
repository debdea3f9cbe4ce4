"""GET /v1/closing: may a month be closed, and what does it wait for?"""

from typing import Annotated

from fastapi import APIRouter, Path

from services.rating.closing.answers import ClosingAnswer, OpenStatementAnswer
from services.rating.closing.usecases import closing_of, list_open
from services.rating.context import Ctx
from services.rating.parameters import period_place
from shared.http import months
from shared.http.answers import Listed
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.values.instants import to_us

router = APIRouter(prefix="/v1/closing", tags=["Statements"])
Month = Annotated[months.Month, Path(description="In which the last day of a period is, such as 2013-12")]


@router.get(
    "/{month}",
    operation_id="get_closing",
    summary="A month's statements by state and currency, and what the barrier before its close waits for",
    dependencies=[requires("contracts:read")],
)
async def get_closing(month: Month, context: Ctx) -> ClosingAnswer:
    """Amounts are as priced last; a statement that is due is priced once more, behind the barrier, and final then."""
    now, day = context.clock.now(), months.first_day(month)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return ClosingAnswer.of(await closing_of(uow, context.bus, day, now), day, now)


@router.get(
    "/{month}/statements",
    operation_id="list_open_statements",
    summary="The statements of a month that are not final, and what each waits for",
    dependencies=[requires("contracts:read")],
)
async def list_open_statements(month: Month, context: Ctx, page: Paged) -> Listed[OpenStatementAnswer]:
    now, after = context.clock.now(), period_place(page)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        rows = await list_open(uow, months.first_day(month), now, after, page.limit + 1)
    return Listed[OpenStatementAnswer].page(
        rows, page, lambda row: [row.contract, to_us(row.period_start)], OpenStatementAnswer.of
    )
