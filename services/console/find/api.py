"""GET /find: to what somebody pasted, or to a choice of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.console.context import Ctx
from services.console.domain.visit import Visit
from services.console.find.page import find_page, onward
from services.console.find.usecases import find
from services.console.frame.answers import see_other, shown
from services.console.sessions.parameters import signed_in
from services.console.upstream.clients import Services
from shared.errors import AppError
from shared.values.names import API_KEY_PREFIX, KEPT_MAX_BYTES

router = APIRouter(include_in_schema=False)


class KeyPasted(AppError):
    """This is an API key, which nobody is asked for."""


@router.get("/find")
async def show_found(
    context: Ctx,
    visit: Annotated[Visit, signed_in()],
    q: Annotated[str, Query(max_length=KEPT_MAX_BYTES)] = "",
) -> Response:
    name = q.strip()
    if not name:
        return see_other("/")
    if name.startswith(API_KEY_PREFIX):
        raise KeyPasted("nothing was asked for it; this browser's history may keep it, so make it anew")
    found = await find(Services(context, visit), name)
    if to := onward(name, found, visit):
        return see_other(to)
    return await shown(context, visit, "find.html", find_page(name, found, visit))
