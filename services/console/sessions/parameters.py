"""Who asks, as a route takes it.

    @router.get("/invoices")
    async def invoices(context: Ctx, visit: Annotated[Visit, signed_in("finance", "leader")]) -> HTMLResponse: ...

    @router.post("/invoices/{id}/hold")
    async def hold(id: str, context: Ctx, visit: Annotated[Visit, submits("finance")], reason: Annotated[str, Form()]) -> …

A route that takes neither is served to nobody, unless `OPEN` of main.py says why everybody may see it.
"""

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

import shared.http.segments  # noqa: F401  before a route is made
from services.console.context import Ctx
from services.console.domain.again import Sent
from services.console.domain.navigation import keeps_views
from services.console.domain.roles import ROLES, Role
from services.console.domain.visit import Visit
from services.console.frame.parameters import Zoned
from services.console.sessions.domain.cookie import cookie_for
from services.console.sessions.domain.origin import is_own
from services.console.sessions.domain.session_id import csrf_of, hash_of
from services.console.sessions.repository import SessionRepository
from services.console.views.repository import ViewRepository
from services.console.views.rows import ViewRow
from shared.errors import AppError, Kind, refuses
from shared.http.query import refuse_unknown_parameters
from shared.runtime.clock import machine_now
from shared.values.names import IDEMPOTENCY_KEY

FIELDS_MAX: Final = 1_000
CSRF, IDEMPOTENCY = "csrf", "idempotency_key"
#: What the second effect of a form, and each after it, adds to its key.
ORDINAL_CHARACTERS_MAX: Final = 8
ONCE: Final = re.compile(rf"[!-~]{{0,{IDEMPOTENCY_KEY.characters_max - ORDINAL_CHARACTERS_MAX}}}")


class NotSignedIn(AppError):
    """This page is for people who have signed in; nothing was done."""

    kind = Kind.UNAUTHENTICATED


class RoleMissing(AppError):
    """This page is for another role."""

    kind = Kind.FORBIDDEN


class FormForeign(AppError):
    """This form was not sent from a page of the console; nothing was done."""

    kind = Kind.FORBIDDEN


class FormStale(AppError):
    """This form is of a session that has ended; nothing was done."""

    kind = Kind.FORBIDDEN


class FormKeyUnreadable(AppError):
    """What makes this form one effect cannot be read; nothing was done."""

    kind = Kind.MALFORMED


def session_id_of(request: Request) -> str | None:
    """What the browser says its session is; None where it says nothing, or where that travelled in the open."""
    cookie = cookie_for(request.url.scheme, request.headers.get("host", ""))
    return None if cookie is None else request.cookies.get(cookie.name)


def signed_in(*roles: Role) -> object:
    """A route's dependency: the visit of a person with one of these roles; none named: of any."""
    allowed = _allowed(roles)

    @refuses(NotSignedIn, RoleMissing)
    async def visiting(request: Request, context: Ctx, zones: Zoned) -> Visit:
        visit = replace(await _visit(request, context, allowed), zones=zones)
        refuse_unknown_parameters(request)
        return visit

    return _stated(visiting, allowed)


def submits(*roles: Role) -> object:
    """A route's dependency: the same of a form that changes something. It comes from a page of the person's own
    session, and is one effect however often it is sent: `visit.idempotency_key` goes to the service."""
    allowed = _allowed(roles)

    @refuses(NotSignedIn, RoleMissing, FormForeign, FormStale, FormKeyUnreadable)
    async def submitting(request: Request, context: Ctx, zones: Zoned) -> Visit:
        refuse_foreign_form(request)
        visit = await _visit(request, context, allowed)
        form = await request.form(max_files=0, max_fields=FIELDS_MAX)
        refuse_unknown_parameters(request)
        once = _text(form.get(IDEMPOTENCY))
        # for the page of an error
        request.state.sent = Sent(once, tuple((name, _text(value)) for name, value in form.multi_items()))
        if not ONCE.fullmatch(once):
            raise FormKeyUnreadable("go back, reload the page and send its form again")
        if not hmac.compare_digest(_text(form.get(CSRF)).encode(), visit.csrf.encode()):
            raise FormStale(
                "you have signed in anew since this page was opened; look at it, and send it again"
            )
        return replace(visit, idempotency_key=once, zones=zones)

    submitting.u2c_submits = True  # type: ignore[attr-defined]
    return _stated(submitting, allowed)


def refuse_foreign_form(request: Request) -> None:
    """Raise FormForeign for a form that another site, or no page at all, sent."""
    headers, own = request.headers, f"{request.url.scheme}://{request.headers.get('host', '')}"
    if not is_own(own, headers.get("sec-fetch-site"), headers.get("origin")):
        raise FormForeign(f"open {own} itself and send it from there")


async def is_signed_in(context: Ctx, visit: Visit) -> bool:
    """Whether the session of a visit is still one, for what takes longer than a page."""
    async with context.db.transaction() as uow:
        found = await SessionRepository(uow.connection).signed_in(visit.session, machine_now())
    return found is not None and found.role == visit.role


def roles_of(dependency: object) -> frozenset[Role] | None:
    """Whose visits a dependency of a route lets in; None of one that is about something else."""
    found: frozenset[Role] | None = getattr(dependency, "u2c_roles", None)
    return found


def here_of(request: Request) -> str:
    """Path and query as they were asked for."""
    path = quote(request.scope["raw_path"] or b"/", safe="/%:@!$&'()*+,;=~-._")
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{quote(query, safe='/%:@!$&()*+,;=~-._?')}" if query else path


async def _visit(request: Request, context: Ctx, allowed: frozenset[Role]) -> Visit:
    session_id = session_id_of(request)
    id_hash = None if session_id is None else hash_of(session_id)
    found, views = None, list[ViewRow]()
    if id_hash is not None:
        async with context.db.transaction() as uow:
            found = await SessionRepository(uow.connection).signed_in(id_hash, machine_now())
            path: str = request.scope["path"]
            if found is not None and keeps_views(path, found.role, context.navigation):
                views = await ViewRepository(uow.connection).of_page(found.name, path)
    if found is None or session_id is None or id_hash is None:
        raise NotSignedIn("sign in; a session lasts twelve hours, and ends where a role or password changes")
    trace: str = request.scope["u2c_trace"]
    visit = Visit(
        found.name,
        found.role,
        csrf_of(session_id),
        here_of(request),
        trace,
        has_letters=found.has_letters,
        views=tuple(row.view for row in views),
        session=id_hash,
    )
    # for the page of an error
    request.state.visit = visit
    if found.role not in allowed:
        raise RoleMissing(
            f"{found.name} is {found.role}; it is for {', '.join(role for role in ROLES if role in allowed)}. Who should "
            "have another role is said by an administrator: u2c console user role NAME ROLE"
        )
    return visit


def _allowed(roles: tuple[Role, ...]) -> frozenset[Role]:
    assert set(roles) <= set(ROLES), roles
    return frozenset(roles or ROLES)


def _stated(dependency: Callable[..., Awaitable[Visit]], allowed: frozenset[Role]) -> object:
    dependency.u2c_roles = allowed  # type: ignore[attr-defined]
    return Depends(dependency)


def _text(value: UploadFile | str | None) -> str:
    return value if isinstance(value, str) else ""
