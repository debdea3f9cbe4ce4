"""Where customers stand, for customer success: now, and as of any earlier instant."""

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from services.signals.context import Ctx
from services.signals.evaluation.answers.customers import (
    ActivityAnswer,
    BacktestAnswer,
    CustomerSignalsAnswer,
    CustomerStandingAnswer,
    LiveCustomerSignalsAnswer,
    ProgressAnswer,
)
from services.signals.evaluation.usecases import say_standing as usecases
from services.signals.evaluation.usecases.judge_history import judge_history
from services.signals.evaluation.usecases.say_standing import CustomerNotFound
from services.signals.parameters import Day, Instant
from services.signals.replica.memory import ContractUnreadable
from shared.errors import AppError, refuses
from shared.http.answers import Listed
from shared.http.cursors import parts_in
from shared.http.examples import answers_with
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged
from shared.values.fields import AskedMeter, AskedSubject

router = APIRouter(prefix="/v1", tags=["Signals"])
READ = requires("signals:read")
ACTIVITY_DAYS_MAX, ACTIVITY_DAYS = 400, 35
At = Annotated[
    Instant | None, Query(description="As it was evaluated at this instant of business time; nothing: now")
]


class AtInFuture(AppError):
    """What is not yet is not known: an instant that is asked about is not in the future, by the business
    clock."""


class SpanTooLong(AppError):
    """Activity is shown for at most 400 days at once."""


@router.get(
    "/customers",
    operation_id="list_customer_signals",
    dependencies=[READ],
    summary="Where every customer stands",
)
@refuses(AtInFuture)
async def list_standings(
    context: Ctx,
    page: Paged,
    at: At = None,
    at_risk: Annotated[
        bool | None, Query(description="Only customers at risk, or only those that are not")
    ] = None,
    sort: Annotated[
        Literal["customer", "risk"], Query(description="By id, or the highest risk score first")
    ] = "customer",
) -> Listed[CustomerStandingAnswer]:
    instant, by_risk = _known(at, context.clock.now()), sort == "risk"
    async with context.db.transaction() as uow:
        rows = await usecases.list_standings(
            uow, instant, at_risk, _after(page, by_risk), page.limit + 1, by_risk=by_risk
        )
    return Listed[CustomerStandingAnswer].page(
        rows,
        page,
        lambda row: [-row.score if by_risk else 0, row.external_id],
        CustomerStandingAnswer.of,
    )


def _known(at: datetime | None, now: datetime) -> datetime:
    """The instant that is asked about, now where none is. Raises AtInFuture for one of which nothing can be
    known."""
    if at is not None and at > now:
        raise AtInFuture(
            f"it is {now.isoformat()}; ask for an instant up to then, or leave `at` out",
            errors=[{"pointer": "/query/at", "code": "in_future", "detail": f"{at.isoformat()} is later"}],
        )
    return at or now


def _after(page: Page, by_risk: bool) -> tuple[int, str] | None:
    """The place a cursor names; raises CursorInvalid for one of another order."""
    found = parts_in(page, int, str)
    if found is None:
        return None
    risk, external_id = found
    if risk != 0 and not by_risk:
        raise CursorInvalid()
    return risk, external_id


@router.get(
    "/customers/{external_id}/signals",
    operation_id="get_customer_signals",
    dependencies=[READ],
    summary="Every value with unit, definition and evidence; consumption and last seen this moment",
    responses=answers_with(Path(__file__).parents[1], "customer_signals"),
)
@refuses(AtInFuture, ContractUnreadable, CustomerNotFound)
async def get_signals(
    external_id: AskedSubject, context: Ctx, at: At = None
) -> LiveCustomerSignalsAnswer | CustomerSignalsAnswer:
    """Without `at` the answer also says what is known this moment: `last_seen_at`, `meters`, `contracts`."""
    now = context.clock.now()
    instant = _known(at, now)
    async with context.db.transaction() as uow:
        customer = await usecases.known_customer(uow, external_id)
        document = await usecases.evaluated(uow, customer, instant)
        if at is not None:
            return CustomerSignalsAnswer.of(customer, instant, document)
        return LiveCustomerSignalsAnswer.live(customer, await usecases.standing(uow, customer, now), document)


@router.get(
    "/customers/{external_id}/activity",
    operation_id="get_customer_activity",
    dependencies=[READ],
    summary="Events by meter and UTC day: the evidence of what is said of a customer",
)
@refuses(SpanTooLong, CustomerNotFound)
async def get_activity(
    external_id: AskedSubject,
    context: Ctx,
    since: Day | None = None,
    until: Annotated[Day | None, Query(description="Exclusive; default: today")] = None,
    meter: Annotated[
        AskedMeter | None, Query(description="A meter, or type: and an event type that no meter takes")
    ] = None,
) -> ActivityAnswer:
    end = until or context.clock.now().date() + timedelta(days=1)
    first = since or end - timedelta(days=ACTIVITY_DAYS)
    if (end - first).days > ACTIVITY_DAYS_MAX:
        raise SpanTooLong()
    async with context.db.transaction() as uow:
        rows = await usecases.activity_of(uow, external_id, meter, first, end)
    return ActivityAnswer.of(external_id, first, end, rows)


@router.get(
    "/signals/progress",
    operation_id="get_signals_progress",
    dependencies=[READ],
    summary="Until when customers are evaluated, and what is due",
)
async def get_progress(context: Ctx) -> ProgressAnswer:
    now = context.clock.now()
    async with context.db.transaction() as uow:
        row = await usecases.progress(uow, now)
    return ProgressAnswer(now=now, **asdict(row))


@router.get(
    "/backtest",
    operation_id="get_backtest",
    dependencies=[READ],
    summary="For each month, what the score said and what the next three months did",
)
async def get_backtest(context: Ctx) -> BacktestAnswer:
    async with context.db.transaction() as uow:
        found = await judge_history(uow, context.clock.now().date())
    return BacktestAnswer.of(found, context.state.policy.version)
