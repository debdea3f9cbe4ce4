"""Routes of corrections and of late usage. They translate; the verbs are in usecases."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.rating.contracts.usecases.find import ContractNotFound
from services.rating.corrections.answers import (
    CorrectionAnswer,
    CorrectionsAnswer,
    DecisionAnswer,
    LateUsageAnswer,
)
from services.rating.corrections.requests import LateUsageDecision
from services.rating.corrections.usecases import late_usage as usecases
from services.rating.corrections.usecases.late_usage import (
    DecidedAlready,
    HeldUsage,
    HeldUsageNotFound,
    MoreCame,
    NotSeenYet,
)
from services.rating.corrections.usecases.run_due import run_now
from services.rating.parameters import period_place
from services.rating.statements.memory import Ctx
from services.rating.statements.usecases.pass_barrier import pass_barrier
from services.rating.statements.usecases.price import in_one_snapshot
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind, refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.values.fields import Key
from shared.values.instants import to_us

router = APIRouter(prefix="/v1", tags=["Corrections"])
#: The seat that decides about late usage.
DECIDES: Final = "billing-operations"


class SeatElsewhere(AppError):
    """Another seat decides this."""

    kind = Kind.FORBIDDEN


@router.post(
    "/contracts/{contract}/corrections",
    operation_id="correct_contract",
    summary="Correct the final periods of a contract that are marked, now",
    response_model=CorrectionsAnswer,
)
@refuses(ContractNotFound)
async def correct_contract(
    contract: Key, context: Ctx, call: Annotated[ChangingCall, changing("contracts:write")]
) -> Response:
    """Answers when all that was acknowledged before the call is in it. Of two calls at once one finds nothing left."""

    async def nothing() -> None: ...

    async def work() -> CorrectionsAnswer:
        await pass_barrier(context, nothing)
        now = context.clock.now()

        async def once(uow: UnitOfWork) -> CorrectionsAnswer:
            made = await run_now(uow, contract, now)
            answer = CorrectionsAnswer.of_run(contract, made)
            await call.note(uow, [_noted(one) for one in answer.corrections], answer)
            return answer

        return await in_one_snapshot(context.db, once)

    return await call.in_steps(work)


@router.get(
    "/late-usage",
    operation_id="list_late_usage",
    summary="Usage of final periods that came after all was accepted, and waits for a decision",
    dependencies=[requires("contracts:read")],
)
async def list_late_usage(
    context: Ctx, page: Paged, contract: Annotated[Key | None, Query()] = None
) -> Listed[LateUsageAnswer]:
    now, after = context.clock.now(), period_place(page)

    async def listed(uow: UnitOfWork) -> list[HeldUsage]:
        return await usecases.list_late_usage(uow, after, page.limit + 1, contract, now)

    found = await in_one_snapshot(context.db, listed)
    return Listed[LateUsageAnswer].page(
        found,
        page,
        lambda held: [held.period.claimed.contract, to_us(held.period.claimed.period_start)],
        LateUsageAnswer.of,
    )


@router.get(
    "/late-usage/{contract}/{period_start}",
    operation_id="get_late_usage",
    summary="What waits for a decision about one final period",
    dependencies=[requires("contracts:read")],
)
@refuses(ContractNotFound, HeldUsageNotFound)
async def get_late_usage(contract: Key, period_start: date, context: Ctx) -> LateUsageAnswer:
    now = context.clock.now()

    async def look(uow: UnitOfWork) -> HeldUsage:
        return await usecases.look_at(uow, contract, period_start, now)

    return LateUsageAnswer.of(await in_one_snapshot(context.db, look))


@router.post(
    "/late-usage/{contract}/{period_start}/decision",
    operation_id="decide_late_usage",
    summary="Bill or waive the late usage of a final period",
    response_model=DecisionAnswer,
)
@refuses(ContractNotFound, HeldUsageNotFound, NotSeenYet, MoreCame, DecidedAlready, SeatElsewhere)
async def decide_late_usage(
    contract: Key,
    period_start: date,
    decision: LateUsageDecision,
    context: Ctx,
    call: Annotated[ChangingCall, changing("contracts:write")],
) -> Response:
    """What is billed joins the next correction of the period; what is waived is of no period any more. A key that sits
    somewhere decides only from the seat billing-operations."""
    if call.key.seats and DECIDES not in call.key.seats:
        raise SeatElsewhere(
            f"it is decided from {DECIDES}; this key sits at {', '.join(sorted(call.key.seats))}"
        )
    now = context.clock.now()

    async def look(uow: UnitOfWork) -> HeldUsage:
        return await usecases.look_at(uow, contract, period_start, now)

    async def work() -> DecisionAnswer:
        held = await in_one_snapshot(context.db, look)
        before = LateUsageAnswer.of(held)
        after = DecisionAnswer(
            contract=contract,
            period_start=period_start,
            late_usage=before,
            after=dict(held.late.decided_up_to),
            subjects=list(held.subjects),
            **decision.model_dump(),
        )
        async with context.db.transaction(trace=call.request_id) as uow:
            await usecases.decide(uow, held, decision.decision, decision.reason, decision.up_to, now)
            changed = Changed(Of("late_usage", f"{contract}/{period_start}"), before, after)
            await call.note(uow, [changed], after)
        return after

    return await call.in_steps(work)


def _noted(made: CorrectionAnswer) -> Changed:
    id = f"{made.contract}/{made.period.start}/{made.number}"
    return Changed(Of("correction", id), None, made, same=made.outcome == "unchanged")
