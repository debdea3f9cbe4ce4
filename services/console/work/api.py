"""Pages of work, and the forms by which people do it."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.forms import NOT_TRIED, Tried, texts_of, version_in
from services.console.domain.visit import Visit
from services.console.frame.answers import alone, see_other, shown
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import NotAllowed, ServiceRefused
from services.console.upstream.domain.told import Service, required
from services.console.work.domain.cases import SERVICES, WORKS, Act, Case, State, told_since
from services.console.work.page import WORK, Asked, case_page, work_page
from services.console.work.usecases import EXCEPTIONS, business_now, list_work
from shared.http.faults import RouteNotFound, status_of
from shared.http.paging import CURSOR_CHARACTERS_MAX
from shared.values.fields import GivenId
from shared.values.ids import new_id
from shared.values.names import SUBJECT

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in()]
ONE: Final = f"{EXCEPTIONS}/{{}}"
SAID: Final[dict[Act | None, str]] = {
    None: "",
    "assign": "It is theirs now.",
    "note": "It is written down.",
    "resolve": "It is resolved.",
}


def _service(service: str) -> Service:
    """The service of that name."""
    for one in SERVICES:
        if one == service:
            return one
    raise RouteNotFound("no service is called so; begin at the list of work")


Named = Annotated[Service, Depends(_service)]


def _asked(
    service: Annotated[Service | Literal[""], Query()] = "",
    owner: Annotated[str, Query(max_length=SUBJECT.characters_max)] = "",
    state: Annotated[State, Query()] = "open",
    cursor: Annotated[str, Query(max_length=CURSOR_CHARACTERS_MAX)] = "",
) -> Asked:
    return Asked(service, owner, state, cursor if service else "")


@router.get(WORK)
async def show_work(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends(_asked)]) -> HTMLResponse:
    services = Services(context, visit)
    told = await list_work(services, asked.service, asked.owner, asked.state, asked.cursor)
    page = work_page(asked, told, await business_now(context, visit), visit)
    return await shown(context, visit, "work.html", page)


@router.get("/work/{service}/{exception_id}")
async def show_case(
    context: Ctx,
    visit: Reader,
    service: Named,
    exception_id: GivenId,
    done: Annotated[Act | None, Query()] = None,
) -> HTMLResponse:
    return await _case(context, visit, service, exception_id, said=SAID[done])


@router.post("/work/{service}/{exception_id}/{act}")
async def work_on(
    request: Request,
    context: Ctx,
    # whoever may not is told so first, whatever they name
    visit: Annotated[Visit, submits(*WORKS)],
    service: Named,
    exception_id: GivenId,
    act: Act,
) -> Response:
    """Who assigns or resolves what has changed since they looked is told what, with what they typed."""
    form = texts_of(await request.form())
    document = (
        {"to": form.get("to", "").strip() or None} if act == "assign" else {"note": form.get("note", "")}
    )
    # a note undoes nothing
    version = "" if act == "note" else version_in(form.get("version", ""))
    try:
        await Services(context, visit).change(
            service, "POST", f"{ONE}/{act}", exception_id, document=document, version=version
        )
    except NotAllowed:
        raise
    except ServiceRefused as refused:
        tried = Tried.of(act, form, refused)
        status = status_of(type(refused))
        return alone(await _case(context, visit, service, exception_id, tried, status=status), act)
    return see_other(address("work", service, exception_id, **visit.zones.query, done=act))


async def _case(
    context: Ctx, visit: Visit, service: Service, exception_id: str, tried: Tried = NOT_TRIED, **more: Any
) -> HTMLResponse:
    told = required(await Services(context, visit).get(service, ONE, exception_id))
    once = (new_id("idk"), new_id("idk"), new_id("idk"))
    now, tried = await business_now(context, visit), told_since(tried, told.document["acts"])
    page = case_page(Case(service, told.document), visit, once, tried, told.version, now)
    return await shown(context, visit, "case.html", page, **more)
