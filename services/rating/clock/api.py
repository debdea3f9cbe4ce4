"""Routes of the business clock."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.rating.clock.answers import AdvancedClockAnswer, ClockAnswer, StandingClockAnswer
from services.rating.clock.usecases import (
    AdvanceUnderWay,
    ClockNotFollowed,
    ClockRunsForward,
    NoTestClock,
    advance,
    running_instances,
)
from services.rating.context import Ctx
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, refuses
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.keys import requires

router = APIRouter(prefix="/v1/clock", tags=["Clock"])
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class InstantOutOfRange(AppError):
    """The business clock moves between 1970 and 2200."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError(
            "not_an_instant",
            "An instant is text, such as 2013-02-01T05:00:00Z; a number of what unit it may be is a guess.",
        )
    return value


class AdvanceRequest(BaseModel):
    """The instant the business clock is to stand at."""

    model_config = ConfigDict(extra="forbid")
    to: Annotated[AwareDatetime, BeforeValidator(_text)] = Field(
        description="RFC 3339, with an offset", examples=["2013-02-01T05:00:00Z"]
    )
    test_clock: bool = Field(
        False,
        description="Give a deployment that lives by the machine's clock a test clock, for good; else it is refused",
    )


@router.get(
    "",
    operation_id="get_clock",
    summary="The business time and who follows it",
    dependencies=[requires("usage:read")],
)
async def get_clock(context: Ctx) -> ClockAnswer:
    await context.clock.refresh()
    async with context.db.transaction() as uow:
        instances = await running_instances(uow)
    return ClockAnswer.of(context.clock, instances)


@router.post(
    "/advance",
    operation_id="advance_clock",
    summary="Move the business clock forward, due instant by due instant",
    response_model=AdvancedClockAnswer,
)
@refuses(InstantOutOfRange, AdvanceUnderWay, ClockRunsForward, ClockNotFollowed, NoTestClock)
async def advance_clock(
    body: AdvanceRequest, context: Ctx, call: Annotated[ChangingCall, changing("clock:write")]
) -> Response:
    """Answers when every running service has acknowledged the move and everything due on the way is done,
    finalized invoices included."""
    # compared before it is converted: the first and last days of time overflow
    if not EARLIEST <= body.to <= LATEST:
        raise InstantOutOfRange(f"{body.to.isoformat()} is not")

    async def noted(uow: UnitOfWork, before: datetime, to: datetime) -> None:
        stood, stands = StandingClockAnswer(now=before), StandingClockAnswer(now=to)
        await call.note(uow, [Changed(Of("clock", "business"), stood, stands)])

    async def work() -> AdvancedClockAnswer:
        to = body.to.astimezone(UTC)
        return AdvancedClockAnswer.of(await advance(context, to, noted, test_clock=body.test_clock))

    return await call.in_steps(work)
