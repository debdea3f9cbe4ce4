"""Routes of the signals that were told: list, acknowledge, snooze, record what came of it; the report and the
feed."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.signals.context import Ctx
from services.signals.domain.event_types import EVENT_TYPES
from services.signals.domain.score_report import Judged, Outcome, score_report
from services.signals.facts.answers.facts import ScoreReportAnswer, SignalAnswer, SignalTypeAnswer
from services.signals.facts.page import atom
from services.signals.facts.parameters import Asked
from services.signals.facts.rows import FactFilter, FactRow
from services.signals.facts.usecases import judge as usecases
from services.signals.parameters import Customer, Instant, Type
from services.signals.webhooks.usecases.manage_endpoints import FactNotFound
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import parts_in
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged
from shared.values.fields import GivenId

router = APIRouter(prefix="/v1/signals", tags=["Signals"])
READ = requires("signals:read")
Change = Annotated[ChangingCall, changing("signals:write")]
FEED_MAX = 100


class SnoozeInPast(AppError):
    """A snooze ends after now."""


class SnoozeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    until: Annotated[Instant, Field(description="Business time", examples=["2026-11-09T09:00:00Z"])]


class OutcomeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    outcome: Outcome


@router.get(
    "", operation_id="list_signals", dependencies=[READ], summary="The signals told, the newest first"
)
async def list_facts(context: Ctx, page: Paged, wanted: Asked) -> Listed[SignalAnswer]:
    async with context.db.transaction() as uow:
        rows = await usecases.list_facts(uow, wanted, _after(page), page.limit + 1, context.clock.now())
    return Listed[SignalAnswer].page(
        rows, page, lambda row: [row.occurred_at.isoformat(), row.signal_id], SignalAnswer.of
    )


@router.get(
    "/report",
    operation_id="get_score_report",
    dependencies=[READ],
    summary="Precision and recall of the risk score, by recorded outcomes",
)
async def get_report(context: Ctx) -> ScoreReportAnswer:
    async with context.db.transaction() as uow:
        rows = await usecases.list_judged_renewals(uow)
    renewals = [Judged(row.contract, row.term_end, row.at_risk, row.outcome) for row in rows]
    return ScoreReportAnswer.of(score_report(renewals), renewals, context.state.policy.version)


@router.get(
    "/feed.atom",
    operation_id="get_signals_feed",
    dependencies=[READ],
    summary="The newest 100 signals as an Atom feed",
    response_class=Response,
)
async def get_feed(context: Ctx, customer: Customer = None, type: Type = None) -> Response:
    async with context.db.transaction() as uow:
        rows = await usecases.list_facts(uow, FactFilter(type, customer), None, FEED_MAX, context.clock.now())
    return Response(
        atom(rows, context.settings.signals_url, context.clock.now()),
        media_type="application/atom+xml",
    )


@router.get(
    "/types",
    operation_id="list_signal_types",
    dependencies=[READ],
    summary="Every type: what it says, for whom, when, with an example",
)
async def list_types() -> Listed[SignalTypeAnswer]:
    return Listed(
        data=[SignalTypeAnswer.of(name, event) for name, event in EVENT_TYPES.items()],
        has_more=False,
        next_cursor=None,
    )


@router.get("/{signal_id}", operation_id="get_signal", dependencies=[READ], summary="One signal")
@refuses(FactNotFound)
async def get_fact(signal_id: GivenId, context: Ctx) -> SignalAnswer:
    async with context.db.transaction() as uow:
        return SignalAnswer.of(await usecases.find_fact(uow, signal_id))


@router.post(
    "/{signal_id}/acknowledge",
    operation_id="acknowledge_signal",
    summary="Somebody looks after it",
    response_model=SignalAnswer,
)
@refuses(FactNotFound)
async def acknowledge(signal_id: GivenId, call: Change) -> Response:
    return await _change(call, signal_id, lambda uow: usecases.acknowledge(uow, signal_id, call.actor))


@router.post(
    "/{signal_id}/snooze",
    operation_id="snooze_signal",
    summary="Not before a later time",
    response_model=SignalAnswer,
)
@refuses(FactNotFound, SnoozeInPast)
async def snooze(signal_id: GivenId, body: SnoozeBody, context: Ctx, call: Change) -> Response:
    async def act(uow: UnitOfWork) -> FactRow:
        # not of an answer that is given again
        if body.until <= context.clock.now():
            raise SnoozeInPast(f"it is {context.clock.now().isoformat()}")
        return await usecases.snooze(uow, signal_id, body.until)

    return await _change(call, signal_id, act)


@router.post(
    "/{signal_id}/outcome",
    operation_id="record_signal_outcome",
    summary="What came of it: what the score is judged by",
    response_model=SignalAnswer,
)
@refuses(FactNotFound)
async def record_outcome(signal_id: GivenId, body: OutcomeBody, context: Ctx, call: Change) -> Response:
    now = context.clock.now()
    return await _change(
        call, signal_id, lambda uow: usecases.record_outcome(uow, signal_id, body.outcome, now)
    )


async def _change(
    call: ChangingCall, signal_id: str, act: Callable[[UnitOfWork], Awaitable[FactRow]]
) -> Response:
    of = Of("signal", signal_id)

    async def changed(uow: UnitOfWork) -> Changed:
        before = SignalAnswer.of(await usecases.find_fact(uow, signal_id))
        return Changed(of, before, SignalAnswer.of(await act(uow)))

    return await call.once(changed, of)


def _after(page: Page) -> tuple[datetime, str] | None:
    """The fact that a cursor names: when it was, and its id."""
    found = parts_in(page, str, str)
    if found is None:
        return None
    at, signal_id = found
    try:
        moment = datetime.fromisoformat(at)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC), signal_id
    except (ValueError, OverflowError) as fault:
        raise CursorInvalid() from fault
