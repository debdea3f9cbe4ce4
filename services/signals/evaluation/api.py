"""Where a customer stands, for customer success: now, and as of any earlier instant."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from services.signals.context import Ctx
from services.signals.domain.backtest import backtest
from services.signals.domain.evidence import ACTIVITY_DAYS_MAX
from services.signals.evaluation.answers.customers import (
    ActivityAnswer,
    BacktestAnswer,
    CustomerSignalsAnswer,
    LiveCustomerSignalsAnswer,
    ProgressAnswer,
)
from services.signals.evaluation.answers.settled import SettledAnswer
from services.signals.evaluation.usecases import say_standing as usecases
from services.signals.evaluation.usecases.judge_history import what_was_said
from services.signals.evaluation.usecases.say_settled import say_settled
from services.signals.evaluation.usecases.say_standing import CustomerNotFound
from services.signals.parameters import At, AtInFuture, Day, instant_asked
from services.signals.replica.memory import ContractUnreadable
from shared.errors import AppError, refuses
from shared.http.examples import answers_with
from shared.http.keys import requires
from shared.values.fields import AskedMeter, AskedSubject
from shared.values.period import add_months

router = APIRouter(prefix="/v1", tags=["Signals"])
READ = requires("signals:read")
ACTIVITY_DAYS, MONTHS_SETTLED = 35, 12


class SpanTooLong(AppError):
    """Activity, and what was settled, is shown for at most 400 days at once."""


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
    instant = instant_asked(at, now)
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
    "/customers/{external_id}/settled",
    operation_id="get_customer_settled",
    dependencies=[READ],
    summary="What a customer settled, by service period: the evidence of what is at stake, and of outcomes",
)
@refuses(SpanTooLong, CustomerNotFound)
async def get_settled(
    external_id: AskedSubject,
    context: Ctx,
    since: Annotated[
        Day | None,
        Query(description="Periods that ended from this day on; default: twelve months before `until`"),
    ] = None,
    until: Annotated[Day | None, Query(description="Exclusive; default: today")] = None,
) -> SettledAnswer:
    end = until or context.clock.now().date()
    first = since or add_months(end, -MONTHS_SETTLED)
    if (end - first).days > ACTIVITY_DAYS_MAX:
        raise SpanTooLong()
    async with context.db.transaction() as uow:
        found = await say_settled(uow, external_id, first, end)
    return SettledAnswer.of(external_id, first, end, found)


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
        said, history = await what_was_said(uow)
    # Its intervals take seconds of a core where customers are many.
    found = await asyncio.to_thread(backtest, said, history, context.clock.now().date())
    return BacktestAnswer.of(found, context.state.policy.version)
