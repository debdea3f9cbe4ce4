"""Routes of the signals that were told: list, acknowledge, snooze, record what came of it; the report and the
feed."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Response

from services.signals.context import Ctx
from services.signals.domain.event_types import EVENT_TYPES
from services.signals.domain.score_report import score_report
from services.signals.facts.answers.facts import ChangedSignalsAnswer, SignalAnswer, SignalTypeAnswer
from services.signals.facts.page import atom
from services.signals.facts.parameters import Asked
from services.signals.facts.requests import AssignBody, ManyBody, NoteBody, OutcomeBody, SnoozeBody
from services.signals.facts.rows import FactFilter, FactRow, Note
from services.signals.facts.usecases import judge as usecases
from services.signals.facts.usecases.judge import SignalIsNoRenewal
from services.signals.facts.usecases.measure import times_by_seat
from services.signals.parameters import Customer, Type
from services.signals.renewals.answers import ScoreReportAnswer
from services.signals.renewals.usecases.report import list_told_renewals
from services.signals.webhooks.usecases.manage_endpoints import FactNotFound
from shared.db.listing import Order, Window
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.keys import requires
from shared.http.sorting import INSTANT, TEXT, Listing, SortKey, listing
from shared.values.fields import GivenId

router = APIRouter(prefix="/v1/signals", tags=["Signals"])
READ = requires("signals:read")
Change = Annotated[ChangingCall, changing("signals:write")]
FEED_MAX = 100
NEWEST_FIRST = Order("occurred_at", descending=True)
SORTS = {
    "occurred_at": SortKey(INSTANT, attrgetter("occurred_at")),
    "customer": SortKey(TEXT, attrgetter("customer")),
}
Sorted = Annotated[Listing[FactRow], listing(SORTS, "-occurred_at", attrgetter("signal_id"))]


class SnoozeInPast(AppError):
    """A snooze ends after now."""


@router.get("", operation_id="list_signals", dependencies=[READ], summary="The signals told")
async def list_facts(context: Ctx, wanted: Asked, sorted_: Sorted) -> Listed[SignalAnswer]:
    now = context.clock.now()
    async with context.db.transaction() as uow:
        rows = await usecases.list_facts(uow, wanted, sorted_.window, now)
        found = await usecases.count_facts(uow, wanted, now) if sorted_.count else None
    return Listed[SignalAnswer].page(
        rows, sorted_.page, sorted_.place, SignalAnswer.of, CountAnswer.of(found)
    )


@router.get(
    "/report",
    operation_id="get_score_report",
    dependencies=[READ],
    summary="Precision and recall of the risk score, by what came of renewals; and how long signals waited",
)
async def get_report(context: Ctx) -> ScoreReportAnswer:
    async with context.db.transaction() as uow:
        renewals = await list_told_renewals(uow)
        times = await times_by_seat(uow, context.clock.now())
    return ScoreReportAnswer.of(score_report(renewals), renewals, times, context.state.policy.version)


@router.get(
    "/feed.atom",
    operation_id="get_signals_feed",
    dependencies=[READ],
    summary="The newest 100 signals as an Atom feed",
    response_class=Response,
)
async def get_feed(context: Ctx, customer: Customer = None, type: Type = None) -> Response:
    async with context.db.transaction() as uow:
        rows = await usecases.list_facts(
            uow, FactFilter(type, customer), Window(NEWEST_FIRST, None, FEED_MAX), context.clock.now()
        )
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
async def acknowledge(signal_id: GivenId, context: Ctx, call: Change) -> Response:
    now = context.clock.now()
    return await _change(call, signal_id, lambda uow: usecases.acknowledge(uow, signal_id, call.actor, now))


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
        _refuse_past(body.until, context.clock.now())
        return await usecases.snooze(uow, signal_id, body.until)

    return await _change(call, signal_id, act)


@router.post(
    "/{signal_id}/assign",
    operation_id="assign_signal",
    summary="A person looks after it, or nobody does any more",
    response_model=SignalAnswer,
)
@refuses(FactNotFound)
async def assign(signal_id: GivenId, body: AssignBody, call: Change) -> Response:
    return await _change(call, signal_id, lambda uow: usecases.assign(uow, signal_id, body.to))


@router.post(
    "/{signal_id}/note",
    operation_id="note_signal",
    summary="Write down what was found out about it",
    response_model=SignalAnswer,
)
@refuses(FactNotFound)
async def add_note(signal_id: GivenId, body: NoteBody, context: Ctx, call: Change) -> Response:
    note = Note(body.text, call.actor, context.clock.now())
    return await _change(call, signal_id, lambda uow: usecases.add_note(uow, signal_id, note))


@router.post(
    "/many",
    operation_id="change_signals",
    summary="Acknowledge, snooze, assign or note several signals: all of them, or none",
    response_model=ChangedSignalsAnswer,
)
@refuses(FactNotFound, SnoozeInPast)
async def change_many(body: ManyBody, context: Ctx, call: Change) -> Response:
    now = context.clock.now()

    async def act(uow: UnitOfWork) -> tuple[list[Changed], ChangedSignalsAnswer]:
        if body.until is not None:
            _refuse_past(body.until, now)
        acts: Mapping[str, Callable[[str], Awaitable[FactRow]]] = {
            "acknowledge": lambda one: usecases.acknowledge(uow, one, call.actor, now),
            "snooze": lambda one: usecases.snooze(uow, one, body.until or now),
            "assign": lambda one: usecases.assign(uow, one, body.to),
            "note": lambda one: usecases.add_note(uow, one, Note(body.text or "", call.actor, now)),
        }
        changed = [
            (before, SignalAnswer.of(before), SignalAnswer.of(after))
            for before, after in await usecases.change_all(uow, body.signals, acts[body.act])
        ]
        rows = [Changed(Of("signal", row.signal_id), before, after) for row, before, after in changed]
        return rows, ChangedSignalsAnswer(data=[after for _, _, after in changed])

    return await call.all_at_once([Of("signal", one) for one in body.signals], act)


@router.post(
    "/{signal_id}/outcome",
    operation_id="record_signal_outcome",
    summary="What came of the term that a renewal's signal is about: what the score is judged by",
    response_model=SignalAnswer,
)
@refuses(FactNotFound, SignalIsNoRenewal)
async def record_outcome(signal_id: GivenId, body: OutcomeBody, context: Ctx, call: Change) -> Response:
    """A person's last word stands, before what the months after the term are judged to say; those before it, of whomever,
    and the judgement stay beside it. It holds for every signal of the term, and may be said before the term ends: who gave
    notice is known before."""

    async def act(uow: UnitOfWork) -> FactRow:
        return await usecases.name_outcome(uow, signal_id, body.outcome, call.actor, context.clock.now())

    return await _change(call, signal_id, act)


def _refuse_past(until: datetime, now: datetime) -> None:
    if until <= now:
        raise SnoozeInPast(f"it is {now.isoformat()}")


async def _change(
    call: ChangingCall, signal_id: str, act: Callable[[UnitOfWork], Awaitable[FactRow]]
) -> Response:
    of = Of("signal", signal_id)

    async def changed(uow: UnitOfWork) -> Changed:
        before = SignalAnswer.of(await usecases.find_fact(uow, signal_id))
        return Changed(of, before, SignalAnswer.of(await act(uow)))

    return await call.once(changed, of)
