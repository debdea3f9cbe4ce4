"""GET /v1/reconciliation: what became of the usage and of the money, in one piece, as totals and row by row."""

import time
from dataclasses import astuple
from math import inf
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from services.billing.conservation.answers.checked import shown
from services.billing.conservation.answers.reconciled import (
    ReconciledUsageAnswer,
    ReconciliationAnswer,
    TotalsAnswer,
)
from services.billing.conservation.domain.reconciled import RowPlace
from services.billing.conservation.parameters import Usage
from services.billing.conservation.rows import StoredCheck
from services.billing.conservation.usecases.keep_checks import (
    LOOKING,
    CheckBrokeOff,
    ask_for_check,
    find_check,
    last_check,
)
from services.billing.conservation.usecases.make_checks import make_checks
from services.billing.conservation.usecases.reconcile import (
    CurrencyMissing,
    reconciled,
    totals,
    waiting_rows,
)
from services.billing.conservation.usecases.watch import ConservationContext, Ctx
from shared.db.unit_of_work import OUTAGES
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.cursors import parts_in
from shared.http.examples import answers_with
from shared.http.keys import requires
from shared.http.paging import Page, Paged

router = APIRouter(prefix="/v1/reconciliation", tags=["Reconciliation"])
READ = requires("invoices:read")
#: How often a look at the books asks for its check, and whether nobody is at it: that takes a connection.
WAIT_S, TRY_EVERY_S = 0.1, 1.0


@router.get(
    "",
    operation_id="reconcile",
    summary="What became of the usage, in counts, quantities and money; K1–K5",
    responses=answers_with(Path(__file__).parents[2], "reconciliation"),
    dependencies=[READ],
)
@refuses(CheckBrokeOff)
async def reconcile(
    context: Ctx,
    asked: Usage,
    check: Annotated[
        bool | None,
        Query(
            description="Wait for a check of K1–K5 that begins now, or show the last one; default: now, if nothing narrows the question"
        ),
    ] = None,
) -> ReconciliationAnswer:
    narrow = asked.narrow()
    done = await _done(context, anew=check if check is not None else asked.is_whole)
    found = await reconciled(context.state.monitor.auditor, narrow)
    return ReconciliationAnswer.of(narrow, found, done)


@router.get(
    "/totals",
    operation_id="reconcile_totals",
    dependencies=[READ],
    summary="What became of the usage, in all: counts, money, and what waits; without rows and without a check",
)
async def reconcile_totals(context: Ctx, asked: Usage) -> TotalsAnswer:
    return TotalsAnswer.of(await totals(context.state.monitor.auditor, asked.narrow()))


@router.get(
    "/rows",
    operation_id="reconcile_rows",
    dependencies=[READ],
    summary="What became of the usage, row by row; first where most money waits",
)
@refuses(CurrencyMissing)
async def reconcile_rows(
    context: Ctx,
    page: Paged,
    asked: Usage,
    code: Annotated[str | None, Query(alias="currency", pattern="^[A-Z]{3}$", description="ISO 4217")] = None,
) -> Listed[ReconciledUsageAnswer]:
    """In `currency`, or in the only one in which something waits. A row whose waiting money changes between two pages changes
    place."""
    found = await waiting_rows(
        context.state.monitor.auditor, asked.narrow(), code, _row_after(page), page.limit + 1
    )
    return Listed[ReconciledUsageAnswer].page(
        found,
        page,
        lambda placed: [*astuple(placed[0])],
        lambda placed: ReconciledUsageAnswer.of(placed[1]),
    )


async def _done(context: ConservationContext, *, anew: bool) -> StoredCheck:
    """The last check, or one that begins now. Raises CheckBrokeOff where that cannot be made."""
    async with context.db.transaction() as uow:
        last = await last_check(uow)
        if last is not None and not anew:
            return last
        asked, _ = await ask_for_check(uow, LOOKING)
    tried = -inf
    while asked.state != "done":
        heard = context.progress.count
        if time.monotonic() - tried >= TRY_EVERY_S:
            tried = time.monotonic()
            try:
                await make_checks(context, shown, until=asked.check_id)
            except OUTAGES as fault:
                raise CheckBrokeOff(
                    f"{fault!r}; it goes on by itself, as GET /v1/reconciliation/checks/{asked.check_id} says"
                ) from fault
        async with context.db.transaction() as uow:
            asked = await find_check(uow, asked.check_id)
        if asked.state != "done":
            await context.progress.wait(heard, WAIT_S)
    return asked


def _row_after(page: Page) -> RowPlace | None:
    found = parts_in(page, int, str, str, str, str)
    return None if found is None else RowPlace(*found)
