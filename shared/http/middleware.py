"""Plain ASGI middleware: a trace id, a size limit and metrics for every request."""

import re
import time
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import AppError, Kind
from shared.http.problems import problem

log = structlog.get_logger()
BODY_MAX_BYTES = 1024 * 1024
REQUESTS = Counter("u2c_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("u2c_http_request_seconds", "Time to answer", ["route"], buckets=(0.005, 0.02, 0.1, 0.5, 1, 5, 30))
TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")


class BodyTooLarge(AppError):
    """The body is larger than this route takes."""

    kind = Kind.TOO_LARGE


class InternalFault(AppError):
    """Something broke on our side. The request id finds it in the logs."""


class Edge:
    """Outermost layer: nothing leaves this service without a trace id, a metric and, on a fault, a problem document."""

    def __init__(self, app: ASGIApp, body_max_bytes: int = BODY_MAX_BYTES) -> None:
        self.app = app
        self.body_max_bytes = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        trace = scope["u2c_trace"] = _trace_of(scope)
        started, answered = time.perf_counter(), {"status": 0}

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", trace.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(trace=trace):
            try:
                await self.app(scope, self._limited(scope, receive), told)
            except BodyTooLarge as fault:
                await problem(Request(scope), fault)(scope, receive, told)
            except Exception:
                log.exception("internal_fault", path=scope["path"])
                if answered["status"] == 0:
                    await problem(Request(scope), InternalFault(f"request id {trace}"), 500)(scope, receive, told)
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(scope["method"] if scope["method"] in _METHODS else "OTHER", route, answered["status"]).inc()
        SECONDS.labels(route).observe(time.perf_counter() - started)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            if declared.isdigit() and int(declared) > self.body_max_bytes:
                raise BodyTooLarge(f"{int(declared)} bytes were announced; at most {self.body_max_bytes} are taken: split the batch")
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.body_max_bytes:
                raise BodyTooLarge(f"more than {self.body_max_bytes} bytes were sent; split the batch")
            return message

        return limited


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def _trace_of(scope: Scope) -> str:
    """The caller's W3C trace id, or a new one."""
    header = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
    found = TRACEPARENT.match(header)
    return found.group(1) if found else uuid4().hex
