"""What waits, as checks of the books found it: now, on a day, and between two."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from services.billing.conservation.answers.waited import (
    StandingAnswer,
    WaitedDayAnswer,
    WaitingChangesAnswer,
)
from services.billing.conservation.usecases.keep_waiting import WaitingDayNotFound, standing, waited_on
from services.billing.conservation.usecases.watch import Ctx
from shared.errors import refuses
from shared.http.keys import requires

router = APIRouter(prefix="/v1/reconciliation/waiting", tags=["Reconciliation"])
READ = requires("invoices:read")
AskedDay = Annotated[date, InPath(description="A day of the business clock, where the legal entities are")]


@router.get(
    "",
    operation_id="get_waiting",
    dependencies=[READ],
    summary="What waits, whose it is, and the way from what is stored to what is invoiced, as the last check found it",
)
async def get_waiting(
    context: Ctx,
    since: Annotated[
        date | None,
        Query(
            description="Compare with the last day that is kept up to this one, or with the first; default: seven days before"
        ),
    ] = None,
) -> StandingAnswer:
    """`POST /v1/reconciliation/checks` brings it up to now."""
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return StandingAnswer.of(await standing(uow, since))


@router.get(
    "/{day}",
    operation_id="get_waited_day",
    dependencies=[READ],
    summary="What waited on a day, by place, reason, owner and currency",
)
@refuses(WaitingDayNotFound)
async def get_waited_day(context: Ctx, day: AskedDay) -> WaitedDayAnswer:
    async with context.db.transaction() as uow:
        return WaitedDayAnswer.of(await waited_on(uow, day))


@router.get(
    "/{day}/changes",
    operation_id="compare_waited_days",
    dependencies=[READ],
    summary="What waits otherwise on a day than it did on another",
)
@refuses(WaitingDayNotFound)
async def compare_waited_days(
    context: Ctx, day: AskedDay, since: Annotated[date, Query(description="The other day")]
) -> WaitingChangesAnswer:
    async with context.db.transaction() as uow:
        return WaitingChangesAnswer.of(await waited_on(uow, since), await waited_on(uow, day))
