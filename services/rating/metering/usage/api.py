"""GET /v1/usage."""

from fastapi import APIRouter

from services.rating.metering.memory import Ctx
from services.rating.metering.usage.answers import UsageAnswer
from services.rating.metering.usage.domain import TooManyWindows
from services.rating.metering.usage.parameters import Asked, Meter, Owner
from services.rating.metering.usage.usecases import (
    REFUSED,
    series,
    whose,
)
from shared.errors import refuses
from shared.http.keys import requires

router = APIRouter(prefix="/v1", tags=["Usage"])


@router.get(
    "/usage",
    operation_id="get_usage",
    summary="A meter's series in the customer's time zone",
    dependencies=[requires("usage:read")],
)
@refuses(*REFUSED, TooManyWindows)
async def get_usage(context: Ctx, meter: Meter, asked_of: Owner, asked: Asked) -> UsageAnswer:
    async with context.db.transaction(isolation="repeatable_read") as uow:
        owner = await whose(uow, asked_of.customer, asked_of.subject)
        found = await series(uow, owner, meter, asked, context.clock.now())
    return UsageAnswer.of(found, meter, asked.window)
