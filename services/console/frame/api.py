"""What comes before every route: the page of whatever goes wrong, and what is answered to nobody."""

from dataclasses import replace

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.context import context_of
from services.console.domain.again import Again, Sent, again
from services.console.domain.visit import Visit
from services.console.frame.answers import fault_page, session_ended, sign_in_first
from services.console.frame.usecases import frame_of
from services.console.sessions.parameters import FormStale, NotSignedIn, here_of
from services.console.upstream.domain.faults import ServiceSilent
from shared.db.unit_of_work import OUTAGES
from shared.documents.faults import BodyUnreadable
from shared.errors import AppError, Kind
from shared.http.faults import BodyInvalid, MethodNotAllowed, RouteNotFound, Unavailable, status_of
from shared.http.middleware import OPERATIONS, Answering
from shared.values.fault_words import said

log = structlog.get_logger()
FAULTS_SHOWN_MAX = 5
NO_SUCH = "check the address, or begin at the first page"
FORM = "application/x-www-form-urlencoded"
SEE_OTHER = 303
SENT_AGAIN = (ServiceSilent, FormStale)


def install_fault_pages(app: FastAPI) -> None:
    """Let every error leave as a page."""
    app.add_exception_handler(AppError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    for outage in OUTAGES:
        app.add_exception_handler(outage, _outage)


def raised(request: Request, error: AppError, status: int | None) -> Response:
    """The page of an error outside of every route: nobody is known to have signed in."""
    return fault_page(error, status or status_of(type(error)), request.scope.get("u2c_trace", ""))


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return await _page(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    named = "; ".join(
        f"{fault['loc'][-1]}: {said(fault['type'], fault['msg'])}"
        for fault in error.errors()[:FAULTS_SHOWN_MAX]
    )
    return await _page(request, BodyInvalid(named))


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, AppError):
        return await _page(request, error.__cause__)
    if error.status_code == 405:
        return await _page(
            request, MethodNotAllowed("go there by a link, not by a form, or the other way round")
        )
    if error.status_code == 404:
        return await _page(request, RouteNotFound(NO_SUCH))
    return await _page(request, BodyUnreadable(str(error.detail)))


async def _outage(request: Request, error: Exception) -> Response:
    log.warning("unavailable", fault=repr(error), path=request.url.path)
    return raised(request, Unavailable(), None)


async def _page(request: Request, error: AppError) -> Response:
    """In the frame of whoever has signed in; who has not yet is asked to where a page was wanted."""
    by_script = "hx-request" in request.headers
    # what is saved as a file is no place to sign in
    is_file = request.url.path.endswith(".csv")
    if error.kind is Kind.UNAUTHENTICATED and request.method == "GET" and not is_file:
        return sign_in_first(here_of(request), by_script=by_script)
    if isinstance(error, NotSignedIn) and by_script:
        return session_ended()
    visit: Visit | None = getattr(request.state, "visit", None)
    # the address was of no use, in whatever zone
    frame = (
        None
        if visit is None
        else replace(await frame_of(context_of(request), visit, error.title), zones=(), saved=None)
    )
    trace = request.scope.get("u2c_trace", "")
    return fault_page(error, status_of(type(error)), trace, frame, _again(request, visit, error))


def _again(request: Request, visit: Visit | None, error: AppError) -> Again | None:
    """What was typed, so that it is not lost; where it had no effect through nobody's fault, to be sent again."""
    sent: Sent | None = getattr(request.state, "sent", None)
    if visit is None or sent is None:
        return None
    return again(sent, here_of(request), visit.csrf, is_sent_again=isinstance(error, SENT_AGAIN))


class FormMediaTypeUnknown(AppError):
    """A form of the console is sent in one media type alone; nothing of this one was read."""

    kind = Kind.UNSUPPORTED


class Posts:
    """Every POST. One of another media type is refused before its body is read: forms are parsed ahead of whatever a
    route asks of its caller, and parts of a multipart one in the encoding that the caller names, some of which take
    minutes. And the address of a form is no page: where nothing led elsewhere, the one that was open stays."""

    def __init__(self, app: ASGIApp, answering: Answering) -> None:
        self.app = app
        self.answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] != SEE_OTHER:
                message["headers"] = [*message.get("headers", []), (b"hx-push-url", b"false")]
            await send(message)

        if _is_form(request := Request(scope)):
            await self.app(scope, receive, told)
        else:
            fault = FormMediaTypeUnknown(f"send it as {FORM}")
            await self.answering(request, fault, None)(scope, receive, told)


def _is_form(request: Request) -> bool:
    said = request.headers.getlist("content-type")
    return len(said) == 1 and said[0].split(";")[0].strip().lower() == FORM


class Inside:
    """Metrics and readiness are nothing to whoever comes through a proxy: who watches asks the process itself."""

    def __init__(self, app: ASGIApp, answering: Answering) -> None:
        self.app = app
        self.answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in OPERATIONS:
            request = Request(scope)
            if "x-forwarded-for" in request.headers:
                await self.answering(request, RouteNotFound(NO_SUCH), None)(scope, receive, send)
                return
        await self.app(scope, receive, send)
