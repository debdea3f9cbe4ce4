"""Errors as RFC 9457 problem details, never a stack trace."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.bus import BusUnavailable
from shared.db.unit_of_work import OUTAGES
from shared.documents.faults import BodyUnreadable
from shared.errors import AppError
from shared.http.documented import document_problems
from shared.http.faults import (
    BodyInvalid,
    MethodNotAllowed,
    RouteNotFound,
    Unavailable,
    status_of,
)
from shared.http.limits import ERRORS_MAX
from shared.http.problem_document import problem_document
from shared.values.fault_words import said

log = structlog.get_logger()
RETRY_AFTER_S = 1
PROBLEM_MEDIA = "application/problem+json"


def problem(request: Request, error: AppError, status: int | None = None) -> JSONResponse:
    """Return the answer for an expected error."""
    status = status or status_of(type(error))
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_s or RETRY_AFTER_S)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = problem_document(error, status, request.url.path, request.scope.get("u2c_trace", ""))
    return JSONResponse(body, status, headers, media_type=PROBLEM_MEDIA)


_FRAMEWORK: dict[int, type[AppError]] = {400: BodyUnreadable, 404: RouteNotFound, 405: MethodNotAllowed}


def _remedy(told: type[AppError], error: HTTPException) -> str:
    if told is MethodNotAllowed:
        return f"it takes {(error.headers or {}).get('Allow', 'other methods')}; /docs says what each does"
    return (
        "check the path and which of the services it is at; each lists its own at /docs"
        if told is RouteNotFound
        else str(error.detail)
    )


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return problem(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {
            "pointer": "/" + "/".join(str(part) for part in fault["loc"]),
            "code": fault["type"],
            "detail": said(fault["type"], fault["msg"]),
        }
        for fault in error.errors()
    ]
    told = BodyUnreadable if any(fault["code"] == "json_invalid" for fault in faults) else BodyInvalid
    named = "; ".join(f"{f['pointer']}: {f['detail']}" for f in faults[:5])
    more = f"; {len(faults)} in all, of which {ERRORS_MAX} are listed" if len(faults) > ERRORS_MAX else ""
    return problem(request, told(named + more, errors=faults[:ERRORS_MAX]))


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # FastAPI wraps what reading a body raises, such as BodyTooLarge.
    if isinstance(error.__cause__, AppError):
        return problem(request, error.__cause__)
    told = _FRAMEWORK.get(error.status_code, RouteNotFound)
    answer = problem(request, told(_remedy(told, error)), error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _outage(request: Request, error: Exception) -> JSONResponse:
    log.warning("unavailable", fault=repr(error), path=request.url.path)
    return problem(request, Unavailable())


def install_problems(app: FastAPI) -> None:
    """Register the handlers, so that every error leaves as a problem, and document them."""
    document_problems(app)
    app.add_exception_handler(AppError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    outages: tuple[type[Exception], ...] = (BusUnavailable, *OUTAGES)
    for fault in outages:
        app.add_exception_handler(fault, _outage)
