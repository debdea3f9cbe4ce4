"""Pages of saved views, and the forms that save, share and remove one. A person changes their own alone."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.navigation import keeps_views
from services.console.domain.views import SHARED, Wanted, save_form
from services.console.domain.visit import Visit
from services.console.frame.answers import see_other, shown
from services.console.people.usecases.note import By
from services.console.sessions.parameters import signed_in, submits
from services.console.views import usecases
from services.console.views.page import VIEWS, Act, view_page, views_page
from shared.errors import AppError, Kind
from shared.http.faults import status_of
from shared.values.fields import GivenId
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in()]
Submitter = Annotated[Visit, submits()]
SAID: Final[dict[Act | None, str]] = {
    None: "",
    "share": "All who may open the page see it there now.",
    "unshare": "It is yours alone now.",
    "remove": "It is removed.",
}
Done = Annotated[Act | None, Query()]
Text = Annotated[str, Form(max_length=10_000)]


class ListNotFound(AppError):
    """There is no list here whose filters you could save."""

    kind = Kind.NOT_FOUND


@router.get(VIEWS)
async def show_views(context: Ctx, visit: Reader, done: Done = None) -> HTMLResponse:
    async with context.db.transaction() as uow:
        rows = await usecases.list_views(uow, visit.name)
    return await shown(context, visit, "views.html", views_page(rows, visit), said=SAID[done])


@dataclass(frozen=True, slots=True)
class Sent:
    """The form, as it was sent."""

    page: Text
    query: Text
    name: Text = ""
    whom: Annotated[str, Form(alias="for", max_length=10)] = ""

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.page, self.query, self.name, self.whom == SHARED)


@router.post(VIEWS)
async def save_view(context: Ctx, visit: Submitter, sent: Annotated[Sent, Depends()]) -> Response:
    """Back to the list, where the view stands now; what is refused is shown beside the form, with what was typed."""
    wanted = sent.wanted
    if not keeps_views(wanted.page, visit.role, context.navigation):
        raise ListNotFound("open a list and save its filters there")
    try:
        async with context.db.transaction() as uow:
            saved = await usecases.save_view(uow, By(visit.name, visit.trace), wanted)
    except (usecases.ViewInvalid, usecases.ViewsTooMany) as refused:
        again = save_form(visit.csrf, new_id("idk"), wanted, f"{refused.title} {refused.detail}")
        async with context.db.transaction() as uow:
            rows = await usecases.list_views(uow, visit.name)
        page, status = views_page(rows, visit, again), status_of(type(refused))
        return await shown(context, visit, "views.html", page, status=status)
    return see_other(saved.view.at(visit.zones.query))


@router.get("/views/{view_id}")
async def show_view(view_id: GivenId, context: Ctx, visit: Reader, done: Done = None) -> HTMLResponse:
    async with context.db.transaction() as uow:
        row = await usecases.own_view(uow, visit.name, view_id)
    page = view_page(row, visit, (new_id("idk"), new_id("idk")))
    return await shown(context, visit, "view.html", page, said=SAID[done])


@router.post("/views/{view_id}/{act}")
async def change_view(view_id: GivenId, act: Act, context: Ctx, visit: Submitter) -> Response:
    by = By(visit.name, visit.trace)
    async with context.db.transaction() as uow:
        if act == "remove":
            await usecases.remove_view(uow, by, view_id)
        else:
            await usecases.share_view(uow, by, view_id, is_shared=act == "share")
    where = ("views",) if act == "remove" else ("views", view_id)
    return see_other(address(*where, **visit.zones.query, done=act))
