"""GET /v1/reconciliation and its drills: what became of every event and every cent."""

import time
from dataclasses import astuple
from datetime import date
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath

from services.billing.conservation.answers.reconciled import (
    AcceptanceAnswer,
    CheckAnswer,
    DoorHourAnswer,
    PlacedEventAnswer,
    ReconciledUsageAnswer,
    ReconciliationAnswer,
    TotalsAnswer,
    shown,
)
from services.billing.conservation.answers.suspense import SuspenseSummaryAnswer
from services.billing.conservation.answers.waited import (
    StandingAnswer,
    WaitedDayAnswer,
    WaitingChangesAnswer,
)
from services.billing.conservation.domain.accepted import Acceptance, Suspended
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.domain.reconciled import RowPlace
from services.billing.conservation.parameters import Customer, Events, Name, Owned, Span, Usage
from services.billing.conservation.requests import AcceptanceBody
from services.billing.conservation.rows import StoredCheck
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
from services.billing.conservation.usecases.keep_checks import (
    LOOKING,
    CheckBrokeOff,
    CheckNotFound,
    ask_for_check,
    find_check,
    last_check,
    list_checks,
)
from services.billing.conservation.usecases.keep_waiting import WaitingDayNotFound, standing, waited_on
from services.billing.conservation.usecases.make_checks import make_checks
from services.billing.conservation.usecases.reconcile import (
    CurrencyMissing,
    door_hours,
    placed_events,
    reconciled,
    totals,
    waiting_rows,
)
from services.billing.conservation.usecases.watch import ConservationContext, Ctx
from shared.db.unit_of_work import OUTAGES, UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import event_place, instant_in, name_in, parts_in
from shared.http.examples import answers_with
from shared.http.instants import Instant
from shared.http.keys import requires
from shared.http.months import Month, first_day
from shared.http.paging import Page, Paged
from shared.values.fields import GivenId
from shared.values.ids import id_pattern, new_id
from shared.values.instants import to_us
from shared.values.money import AmountNotOfCurrency, Money, UnknownCurrency, currency, exactly

router = APIRouter(prefix="/v1", tags=["Reconciliation"])
READ = requires("invoices:read")
CHECK_ID, ACCEPTANCE_ID = id_pattern("chk"), id_pattern("acc")
#: How often a look at the books asks for its check, and whether nobody is at it: that takes a connection.
WAIT_S, TRY_EVERY_S = 0.1, 1.0
LINES_MAX = 200
AskedDay = Annotated[date, InPath(description="A day of the business clock, where the legal entities are")]


@router.get(
    "/reconciliation",
    operation_id="reconcile",
    summary="What became of the usage, in counts, quantities and money; K1–K5",
    responses=answers_with(Path(__file__).parents[1], "reconciliation"),
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
    "/reconciliation/totals",
    operation_id="reconcile_totals",
    dependencies=[READ],
    summary="What became of the usage, in all: counts, money, and what waits; without rows and without a check",
)
async def reconcile_totals(context: Ctx, asked: Usage) -> TotalsAnswer:
    return TotalsAnswer.of(await totals(context.state.monitor.auditor, asked.narrow()))


@router.get(
    "/reconciliation/rows",
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


@router.post(
    "/reconciliation/checks",
    operation_id="check_books",
    summary="Let K1–K5 be checked over everything",
    response_model=CheckAnswer,
)
async def check_books(context: Ctx, call: Annotated[ChangingCall, changing("invoices:write")]) -> Response:
    """It begins within a second, and `GET /v1/reconciliation/checks/{id}` says how far it is. One is made at a time; who asks
    while one waits to begin is given that one, which sees all that they have seen."""

    async def act(uow: UnitOfWork) -> Changed:
        asked, is_new = await ask_for_check(uow, call.actor)
        uow.when_committed(context.progress.call)
        answer = CheckAnswer.of(asked)
        return Changed(Of("check", asked.check_id), None, answer, same=not is_new)

    return await call.once(act)


@router.get(
    "/reconciliation/checks",
    operation_id="list_checks",
    dependencies=[READ],
    summary="The checks of the books, newest first, and how far each is",
)
async def get_checks(context: Ctx, page: Paged) -> Listed[CheckAnswer]:
    before = name_in(page, CHECK_ID)
    async with context.db.transaction() as uow:
        found = await list_checks(uow, before, page.limit + 1)
    return Listed[CheckAnswer].page(found, page, lambda check: [check.check_id], CheckAnswer.listed)


@router.get(
    "/reconciliation/checks/{check_id}",
    operation_id="get_check",
    dependencies=[READ],
    summary="One check of the books: how far it is, and what it found",
)
@refuses(CheckNotFound)
async def get_check(context: Ctx, check_id: GivenId) -> CheckAnswer:
    async with context.db.transaction() as uow:
        return CheckAnswer.of(await find_check(uow, check_id))


@router.get(
    "/reconciliation/waiting",
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
    "/reconciliation/waiting/{day}",
    operation_id="get_waited_day",
    dependencies=[READ],
    summary="What waited on a day, by place, reason, owner and currency",
)
@refuses(WaitingDayNotFound)
async def get_waited_day(context: Ctx, day: AskedDay) -> WaitedDayAnswer:
    async with context.db.transaction() as uow:
        return WaitedDayAnswer.of(await waited_on(uow, day))


@router.get(
    "/reconciliation/waiting/{day}/changes",
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


@router.post(
    "/reconciliation/acceptances",
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
    "/reconciliation/suspense",
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
    "/reconciliation/acceptances",
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
