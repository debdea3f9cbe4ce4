"""Signing in and out. Another way to prove who somebody is (OIDC) is another route that ends in `_begun`."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from prometheus_client import Counter

from services.console.context import Ctx, SigningInBusy
from services.console.domain.addresses import address
from services.console.domain.frame import Frame
from services.console.domain.names import folded, same_password
from services.console.domain.roles import Role
from services.console.domain.visit import Visit
from services.console.frame.answers import SIGN_IN, see_other, shown
from services.console.frame.page import page_of
from services.console.people.usecases.hash_password import opens
from services.console.people.usecases.manage_people import sign_out_everywhere, switch_letters_of
from services.console.people.usecases.note import By
from services.console.sessions.domain.cookie import Cookie, cookie_for, is_loopback
from services.console.sessions.domain.mark import mark_of
from services.console.sessions.domain.onward import onward
from services.console.sessions.page import DEMO_ROLES, TITLE, Letters, account_page, sign_in_page
from services.console.sessions.parameters import (
    refuse_foreign_form,
    session_id_of,
    signed_in,
    submits,
)
from services.console.sessions.usecases.add_demo_person import add_demo_person
from services.console.sessions.usecases.begin_session import (
    LIFE,
    NameOrPasswordWrong,
    Proven,
    begin_session,
)
from services.console.sessions.usecases.end_session import end_session, list_sessions
from services.console.sessions.usecases.try_to_sign_in import Browser, TriesTooMany, try_to_sign_in
from shared.errors import AppError, Kind
from shared.http.faults import RouteNotFound
from shared.runtime.clock import machine_now
from shared.values.ids import new_id

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)
#: For as long as browsers keep one.
KNOWN: Final = timedelta(days=400)
TRIES = Counter("u2c_console_sign_ins_total", "Tries to sign in, by what came of them", ["outcome"])
for _outcome in ("signed_in", "wrong", "too_many"):
    TRIES.labels(_outcome)
Typed = Annotated[str, Form(max_length=10_000)]


class TlsMissing(AppError):
    """Nobody signs in over an open connection."""

    kind = Kind.FORBIDDEN


@router.get(SIGN_IN)
async def show_sign_in(
    request: Request, context: Ctx, to: Annotated[str, Query(alias="next", max_length=8192)] = "/"
) -> HTMLResponse:
    """Not over an open connection: the password would be typed, and sent, before it is refused. Raises TlsMissing."""
    _cookie(request)
    return page_of("sign_in.html", Frame(TITLE), sign_in_page(onward(to), demo=_is_demo(request, context)))


@router.post(SIGN_IN)
async def sign_in(
    request: Request,
    context: Ctx,
    name: Typed = "",
    password: Typed = "",
    to: Annotated[str, Form(alias="next", max_length=8192)] = "/",
) -> Response:
    """The same answer, after the same time, for a name that nobody has and a password that is wrong."""
    refuse_foreign_form(request)
    cookie = _cookie(request)
    try:
        with context.signing_in.place():
            proven = await _proven(context, _browser(request, cookie), folded(name), password)
            return await _begun(request, context, proven, cookie, to)
    except (TriesTooMany, SigningInBusy) as fault:
        _failed(request, "too_many")
        return _refused(request, context, fault, 429, to, name)
    except NameOrPasswordWrong as fault:
        _failed(request, "wrong")
        return _refused(request, context, fault, 401, to, name)


@router.post("/sign-in/demo")
async def sign_in_to_demo(
    request: Request,
    context: Ctx,
    role: Typed = "",
    to: Annotated[str, Form(alias="next", max_length=8192)] = "/",
) -> Response:
    """Without a password, where the settings say that this is a demo and the browser is on this machine."""
    refuse_foreign_form(request)
    chosen: Role | None = next((one for one in DEMO_ROLES if one == role), None)
    if chosen is None or not _is_demo(request, context):
        raise RouteNotFound("people sign in with a password here")
    async with context.db.transaction() as uow:
        name = await add_demo_person(uow, chosen, machine_now())
    return await _begun(request, context, Proven(name, "demo"), _cookie(request), to)


@router.post("/sign-out")
async def sign_out(request: Request, context: Ctx, visit: Annotated[Visit, submits()]) -> Response:
    session_id = session_id_of(request)
    assert session_id is not None, "who is signed in has one"
    async with context.db.transaction() as uow:
        await end_session(uow, visit.name, session_id, visit.trace)
    return _signed_out(request)


@router.post("/sign-out-everywhere")
async def end_all_sessions(request: Request, context: Ctx, visit: Annotated[Visit, submits()]) -> Response:
    async with context.db.transaction() as uow:
        await sign_out_everywhere(uow, By(visit.name, visit.trace), visit.name)
    return _signed_out(request)


@router.get("/account")
async def show_account(
    context: Ctx, visit: Annotated[Visit, signed_in()], done: Annotated[Letters | None, Query()] = None
) -> HTMLResponse:
    async with context.db.transaction() as uow:
        sessions = await list_sessions(uow, visit.name, machine_now())
    page = account_page(visit, sessions, new_id("idk"))
    return await shown(
        context, visit, "account.html", page, said=f"Keys of one letter are {done}." if done else ""
    )


@router.post("/account/letters")
async def switch_letters(
    context: Ctx, visit: Annotated[Visit, submits()], keys: Annotated[Letters, Form()]
) -> Response:
    async with context.db.transaction() as uow:
        await switch_letters_of(uow, By(visit.name, visit.trace), visit.name, has_letters=keys == "on")
    return see_other(address("account", **visit.zones.query, done=keys))


async def _proven(context: Ctx, browser: Browser, name: str, password: str) -> Proven:
    """Raises TriesTooMany and NameOrPasswordWrong."""
    async with context.db.transaction() as uow:
        tried, password_hash = await try_to_sign_in(uow, name, browser, machine_now())
    async with context.signing_in.hashing:
        if not await asyncio.to_thread(opens, password_hash, same_password(password)):
            raise NameOrPasswordWrong
    return Proven(name, "password", password_hash, tried)


async def _begun(request: Request, context: Ctx, proven: Proven, cookie: Cookie, to: str) -> Response:
    """Raises NameOrPasswordWrong."""
    async with context.db.transaction() as uow:
        session_id = await begin_session(
            uow, proven, session_id_of(request), machine_now(), request.scope["u2c_trace"]
        )
    TRIES.labels("signed_in").inc()
    answer = see_other(onward(to))
    _set(answer, cookie, cookie.name, session_id, LIFE)
    if proven.password_hash is not None:
        _set(answer, cookie, cookie.known, mark_of(proven.password_hash, proven.name), KNOWN)
    return answer


def _set(answer: Response, cookie: Cookie, name: str, value: str, life: timedelta) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=int(life.total_seconds()),
        path="/",
        secure=cookie.secure,
        httponly=True,
        samesite="lax",
    )


def _browser(request: Request, cookie: Cookie) -> Browser:
    return Browser(_address(request), request.cookies.get(cookie.known, ""))


def _failed(request: Request, outcome: str) -> None:
    """Counted, and logged by the address: a name that was typed may be a password."""
    TRIES.labels(outcome).inc()
    log.warning("sign_in_failed", outcome=outcome, address=_address(request))


def _signed_out(request: Request) -> Response:
    cookie, answer = _cookie(request), see_other(SIGN_IN)
    answer.delete_cookie(cookie.name, path="/", secure=cookie.secure, httponly=True, samesite="lax")
    return answer


def _refused(
    request: Request, context: Ctx, fault: AppError, status: int, to: str, name: str
) -> HTMLResponse:
    """The form again, with the name as it was typed."""
    said = fault.title if fault.detail == fault.title else f"{fault.title} ({fault.detail})"
    page = sign_in_page(onward(to), demo=_is_demo(request, context), name=name, fault=said)
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return page_of("sign_in.html", Frame(TITLE), page, status=status, headers=headers)


def _cookie(request: Request) -> Cookie:
    """Raises TlsMissing."""
    cookie = cookie_for(request.url.scheme, request.headers.get("host", ""))
    if cookie is None:
        raise TlsMissing(
            "open the console by https, through a proxy that ends TLS and says X-Forwarded-Proto, or on its own machine "
            "by http://127.0.0.1"
        )
    return cookie


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _is_demo(request: Request, context: Ctx) -> bool:
    """By the settings, and only for a browser on this machine that calls it so: a page of another name that leads
    here does not."""
    return (
        context.settings.demo
        and is_loopback(_address_in_brackets(request))
        and is_loopback(request.headers.get("host", ""))
    )


def _address_in_brackets(request: Request) -> str:
    address = _address(request)
    return f"[{address}]" if ":" in address else address
