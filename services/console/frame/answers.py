"""Pages, as routes answer with them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from services.console.context import ConsoleContext
from services.console.domain.addresses import local, with_query
from services.console.domain.again import Again
from services.console.domain.fault import DownPage, FaultPage
from services.console.domain.frame import Frame
from services.console.domain.visit import Visit
from services.console.frame.page import PAGE_HEADERS, page_of
from services.console.frame.usecases import frame_of
from services.console.sessions.parameters import is_signed_in
from services.console.upstream.domain.told import Silent, Streamed
from shared.errors import AppError

SIGN_IN = "/sign-in"
#: Chunks of a download, of 64 KiB at most.
LOOKED_UP_EVERY = 16
#: What a person has seen is not what there is.
CHANGED = (409, 412)


class Titled(Protocol):
    """What a template shows: a frozen dataclass of texts, one of them the title."""

    @property
    def title(self) -> str: ...


async def shown(
    context: ConsoleContext,
    visit: Visit,
    template: str,
    page: Titled,
    *,
    status: int = 200,
    said: str = "",
) -> HTMLResponse:
    """The page of a signed-in person; `said`: what has just been done."""
    return page_of(template, await frame_of(context, visit, page.title, said), page, status=status)


def alone(answer: HTMLResponse, form: str) -> HTMLResponse:
    """Of the page of a refused form htmx takes this form and nothing else, so that what is typed in its neighbours stays;
    where the thing itself has changed, or the form is not there any more, it takes the whole page."""
    if answer.status_code not in CHANGED and f'<form id="{form}"'.encode() in answer.body:
        answer.headers.update({"HX-Retarget": f"#{form}", "HX-Reselect": f"#{form}"})
    return answer


def passed_on(streamed: Streamed) -> Response:
    """What a service answers, as it comes: a list as CSV, or a page to print. A stream that breaks off is a failed
    download, not a short one."""
    answer = StreamingResponse(streamed.chunks, headers=PAGE_HEADERS)
    # the service's own rules for its page go before ours
    answer.headers.update(streamed.headers)
    return answer


async def downloaded(
    context: ConsoleContext, visit: Visit, what: str, streamed: Streamed | Silent
) -> Response:
    """The same, or the page that says why it cannot be had now, which no browser takes for what was asked for."""
    if isinstance(streamed, Streamed):
        chunks = _while_signed_in(context, visit, streamed.chunks)
        return passed_on(replace(streamed, chunks=chunks))
    page = DownPage(what, streamed.block(what, visit.here))
    return await shown(context, visit, "down.html", page, status=503)


async def _while_signed_in(
    context: ConsoleContext, visit: Visit, chunks: AsyncGenerator[bytes]
) -> AsyncGenerator[bytes]:
    """Whoever is signed out meanwhile gets no more of it. Raises ClientDisconnect: nobody is there any more who may."""
    async with aclosing(chunks) as passed:
        number = 0
        async for chunk in passed:
            yield chunk
            number += 1
            if number % LOOKED_UP_EVERY == 0 and not await is_signed_in(context, visit):
                raise ClientDisconnect


def see_other(address: str) -> RedirectResponse:
    """To another page of the console, by GET: after a form, so that reloading does not send it again."""
    return RedirectResponse(local(address), 303)


def sign_in_first(here: str, *, by_script: bool) -> Response:
    """To the sign-in page, and back. A part of a page that htmx asks for is not shown in its place."""
    address = with_query(SIGN_IN, {"next": here})
    return Response(status_code=401, headers={"HX-Redirect": address}) if by_script else see_other(address)


def session_ended() -> HTMLResponse:
    """What a form that htmx has sent is told: its page stays."""
    headers = {"HX-Reswap": "none"}
    return page_of("ended.html", Frame("Signed out"), None, status=401, headers=headers)


def fault_page(
    error: AppError, status: int, trace: str, frame: Frame | None = None, again: Again | None = None
) -> HTMLResponse:
    """A readable page for an error: what, and what to do. `frame`: that of whoever has signed in; `again`: what they
    have sent."""
    headers: dict[str, Any] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    page = FaultPage.of(error.title, error.detail, trace, onward=status == 401, again=again)
    return page_of("fault.html", frame or Frame(error.title), page, status=status, headers=headers)
