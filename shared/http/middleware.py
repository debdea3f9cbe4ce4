"""Plain ASGI middleware: a trace id, limits of size and time, and metrics for every request."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import uuid4

import structlog
from fastapi import APIRouter
from fastapi.routing import APIRoute
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import AppError
from shared.http.faults import BodyIncomplete, BodyTooLarge, InternalFault, ServiceBusy
from shared.http.limits import BODY_MAX_BYTES, BODY_TIMEOUT_S, REQUESTS_MAX
from shared.http.problems import problem
from shared.http.segments import undecoded

log = structlog.get_logger()
# answered however much is in work: who watches must see
OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})
REQUESTS = Counter("u2c_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "u2c_http_request_seconds", "Time to answer", ["route"], buckets=(0.005, 0.02, 0.1, 0.5, 1, 5, 30)
)
TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")


def born_at_zero(routes: Iterable[tuple[str, str]]) -> None:
    """Create the count of 500s of each route at 0: an alert on an increase does not see the first one of a
    series that begins at 1."""
    for method, route in routes:
        REQUESTS.labels(method, route, 500)
    for method in (*_METHODS, "OTHER"):
        REQUESTS.labels(method, "unmatched", 500)


def methods_and_paths(routers: Sequence[APIRouter]) -> Iterator[tuple[str, str]]:
    """Each route of these routers, for `born_at_zero`."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in route.methods or ())


#: What an error is answered with: a problem document, or a page.
Answering = Callable[[Request, AppError, int | None], Response]


class Edge:
    """Outermost layer: nothing leaves this process without a trace id, a metric and, on a fault, a problem
    document or a page."""

    def __init__(
        self,
        app: ASGIApp,
        body_max_bytes: int = BODY_MAX_BYTES,
        body_timeout_s: float = BODY_TIMEOUT_S,
        requests_max: int = REQUESTS_MAX,
        answering: Answering = problem,
    ) -> None:
        self.app = app
        self.body_max_bytes = body_max_bytes
        self.body_timeout_s = body_timeout_s
        self.requests_max = requests_max
        self.answering = answering
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Of a HEAD's answer the server leaves the body out (RFC 9110, 9.3.2).
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "u2c_head": True}
        if b"%" in (raw_path := scope.get("raw_path") or b""):
            scope["path"] = undecoded(raw_path)
        trace = scope["u2c_trace"] = _trace_of(scope)
        started, answered = time.perf_counter(), {"status": 0}

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", trace.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(trace=trace):
            self._in_work += 1
            try:
                await self._answer(scope, receive, told)
            except Exception:
                log.exception("internal_fault", path=scope["path"])
                if answered["status"] == 0:
                    fault = InternalFault(f"request id {trace}")
                    await self.answering(Request(scope), fault, 500)(scope, receive, told)
            finally:
                self._in_work -= 1
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(
            scope["method"] if scope["method"] in _METHODS else "OTHER", route, answered["status"]
        ).inc()
        SECONDS.labels(route).observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, told: Send) -> None:
        try:
            if self._in_work > self.requests_max and scope["path"] not in OPERATIONS:
                raise ServiceBusy(
                    f"{self.requests_max} requests are in work; nothing of this one was accepted",
                    retry_after_s=1,
                )
            await self.app(scope, self._limited(scope, receive), told)
        except (BodyTooLarge, BodyIncomplete, ServiceBusy) as fault:
            await self.answering(Request(scope), fault, None)(scope, receive, told)
        except ClientDisconnect:
            # Before its body's end: nobody is there to be answered.
            log.info("client_gone", path=scope["path"])

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        taken, whole, deadline = 0, False, 0.0

        async def limited() -> Message:
            nonlocal taken, whole, deadline
            if declared.isdigit() and int(declared) > self.body_max_bytes:
                raise BodyTooLarge(
                    f"{int(declared)} bytes were announced; at most {self.body_max_bytes} are taken: split the batch"
                )
            if whole:
                # It only tells that the caller has gone.
                return await receive()
            deadline = deadline or asyncio.get_running_loop().time() + self.body_timeout_s
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyIncomplete(
                    f"the body did not arrive within {self.body_timeout_s:g} s; send less at once"
                ) from None
            whole = not message.get("more_body", False)
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
