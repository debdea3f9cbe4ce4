"""What waits in suspense, and what of it is accepted in writing."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.billing.conservation.answers.suspense import AcceptanceAnswer, SuspenseSummaryAnswer
from services.billing.conservation.domain.accepted import Acceptance, Suspended
from services.billing.conservation.parameters import Owned
from services.billing.conservation.requests import AcceptanceBody
from services.billing.conservation.usecases.accept_suspense import (
    MoreSuspended,
    NothingSuspended,
    accept,
    each_now,
    last_acceptances,
    list_acceptances,
    suspended_now,
    suspense_lines,
)
from services.billing.conservation.usecases.watch import Ctx
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import name_in
from shared.http.keys import requires
from shared.http.months import Month, first_day
from shared.http.paging import Paged
from shared.values.ids import id_pattern, new_id
from shared.values.money import AmountNotOfCurrency, Money, UnknownCurrency, currency, exactly

router = APIRouter(prefix="/v1/reconciliation", tags=["Reconciliation"])
READ = requires("invoices:read")
ACCEPTANCE_ID = id_pattern("acc")
LINES_MAX = 200


@router.post(
    "/acceptances",
    operation_id="accept_suspense",
    summary="Accept in writing that usage waits in suspense",
    response_model=AcceptanceAnswer,
)
@refuses(NothingSuspended, MoreSuspended, UnknownCurrency, AmountNotOfCurrency)
async def accept_suspense(
    body: AcceptanceBody, context: Ctx, call: Annotated[ChangingCall, changing("invoices:write")]
) -> Response:
    """It makes nothing billable, and falls when more waits than was seen: of events, or of any currency."""
    value = tuple(
        Money(exactly(Decimal(amount), currency(code)), currency(code))
        for code, amount in sorted(body.value.items())
    )
    acceptance = Acceptance(
        new_id("acc"),
        body.customer,
        body.type,
        body.reason,
        Suspended(body.events, value),
        call.actor,
        body.because,
        context.clock.now(),
    )
    waits = await suspended_now(context.state.monitor.auditor, acceptance)

    async def act(uow: UnitOfWork) -> Changed:
        await accept(uow, acceptance, waits)
        of = Of("acceptance", acceptance.acceptance_id)
        return Changed(of, None, AcceptanceAnswer.of(acceptance, waits))

    return await call.once(act)


@router.get(
    "/suspense",
    operation_id="summarize_suspense",
    dependencies=[READ],
    summary="What waits in suspense by whose it is, type and reason, and what of it is accepted in writing",
)
async def summarize_suspense(
    context: Ctx,
    asked: Owned,
    until: Annotated[
        Month | None, Query(description="Only where some is of this UTC month or an earlier one")
    ] = None,
) -> SuspenseSummaryAnswer:
    """Over all months, as it is accepted; the first 200 are shown. Of acceptances of the same the newest counts."""
    last = None if until is None else first_day(until)
    async with context.db.transaction() as uow:
        acceptances = await last_acceptances(uow)
    lines = await suspense_lines(acceptances, context.state.monitor.auditor, asked.narrow(), last)
    return SuspenseSummaryAnswer.of(lines, LINES_MAX)


@router.get(
    "/acceptances",
    operation_id="list_acceptances",
    dependencies=[READ],
    summary="Suspense that was accepted in writing, newest first, and whether each acceptance stands",
)
async def get_acceptances(context: Ctx, page: Paged) -> Listed[AcceptanceAnswer]:
    before = name_in(page, ACCEPTANCE_ID)
    async with context.db.transaction() as uow:
        found = await list_acceptances(uow, before, page.limit + 1)
    now = await each_now(context.state.monitor.auditor, found[: page.limit])
    by_id = {one.acceptance_id: waits for one, waits in zip(found, now, strict=False)}
    return Listed[AcceptanceAnswer].page(
        found,
        page,
        lambda one: [one.acceptance_id],
        lambda one: AcceptanceAnswer.of(one, by_id[one.acceptance_id]),
    )
