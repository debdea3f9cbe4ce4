"""GET /v1/usage."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.rating.metering.memory import Ctx
from services.rating.metering.usage.answers import UsageAnswer
from services.rating.metering.usage.domain import TimesReversed, TimeUnreadable, TooManyWindows, Window
from services.rating.metering.usage.parameters import Customer, Meter, Subject
from services.rating.metering.usage.usecases import (
    CustomerOrSubject,
    CustomerUnknown,
    DimensionUnknown,
    series,
    whose,
)
from services.rating.metering.usecases.read_quantities import MeterGone
from shared.errors import refuses
from shared.http.keys import requires
from shared.values.names import DIMENSIONS_MAX, PATH

router = APIRouter(prefix="/v1", tags=["Usage"])
DIMENSIONS = f"^({PATH}(,{PATH}){{0,{DIMENSIONS_MAX - 1}}})?$"
TIME = "RFC 3339 instant, or a local date of the customer's time zone"


@router.get(
    "/usage",
    operation_id="get_usage",
    summary="A meter's series in the customer's time zone",
    dependencies=[requires("usage:read")],
)
@refuses(
    CustomerOrSubject,
    CustomerUnknown,
    DimensionUnknown,
    MeterGone,
    TimeUnreadable,
    TimesReversed,
    TooManyWindows,
)
async def get_usage(
    context: Ctx,
    meter: Meter,
    customer: Customer = None,
    subject: Subject = None,
    from_: Annotated[
        str | None,
        Query(alias="from", max_length=40, description=f"{TIME}; default: the start of this month"),
    ] = None,
    to: Annotated[str | None, Query(max_length=40, description=f"{TIME}, exclusive; default: now")] = None,
    window: Annotated[Window, Query(description="Width of one point")] = "day",
    group_by: Annotated[str, Query(pattern=DIMENSIONS, description="Dimensions, separated by commas")] = "",
) -> UsageAnswer:
    wanted = tuple(dict.fromkeys(name for name in group_by.split(",") if name))
    async with context.db.transaction(isolation="repeatable_read") as uow:
        owner = await whose(uow.connection, customer, subject)
        found = await series(uow.connection, owner, meter, (from_, to), window, wanted, context.clock.now())
    return UsageAnswer.of(found, meter, window)
