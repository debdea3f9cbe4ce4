"""The route by which whoever evaluates activity asks for what is not told yet."""

from fastapi import APIRouter

from services.rating.metering.activity.answers import ActivityToldAnswer
from services.rating.metering.activity.usecases.tell_all import tell_all_activity
from services.rating.metering.memory import Ctx
from shared.http.changes import changes_nothing
from shared.http.keys import requires

router = APIRouter(prefix="/v1/activity", tags=["Usage"])


@router.post(
    "/tell",
    operation_id="tell_activity",
    dependencies=[requires("usage:read")],
    summary="Tell the activity of everything metered until now; answers when it is on the bus",
)
@changes_nothing("it tells what would be told within seconds anyway")
async def tell_now(context: Ctx) -> ActivityToldAnswer:
    """Tell now what would be told within seconds anyway; a daily evaluation calls it, so that it knows what
    there is to know."""
    told = await tell_all_activity(context.db, context.state.metering.fold, context.clock.now())
    return ActivityToldAnswer(told=told)
