"""Keys before bodies: an API request is refused before a byte of its body is read, and an API route that asks
for no key is never served."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import AppError
from shared.http.documented import API
from shared.http.keys import ACTOR_HEADER, Keys, authorize
from shared.http.parsed import counting
from shared.http.problems import problem
from shared.http.segments import Segment

AS_OF = "U2C-Keys-As-Of"


@dataclass(frozen=True)
class ScopedRoute:
    """A route and the scopes it requires."""

    route: APIRoute
    scopes: tuple[str, ...]


def scoped_routes(routers: Sequence[APIRouter]) -> tuple[ScopedRoute, ...]:
    """The API's routes with their scopes, in the order they are matched. Fails on one that states none, and on
    one that could change something without a trace: deny by default."""
    routes = [
        route
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and route.path.startswith(API)
    ]
    found = tuple(ScopedRoute(route, _scopes_of(route)) for route in routes)
    for one in found:
        assert one.scopes, f"{one.route.path} states no scope: add Depends(requires(…))"
        assert one.route.methods == {"GET"} or _says_what_it_changes(one.route), (
            f"{one.route.path} says neither that it is a changing call nor why it changes nothing: take "
            "`Annotated[ChangingCall, changing(…)]`, or add @changes_nothing(…)"
        )
        assert all(isinstance(found, Segment) for found in one.route.param_convertors.values()), (
            f"{one.route.path} was made before Segment"
        )
    return found


def _scopes_of(route: APIRoute) -> tuple[str, ...]:
    stated = (getattr(dependency.call, "u2c_scope", None) for dependency in route.dependant.dependencies)
    return tuple(scope for scope in stated if scope is not None)


def is_changing(route: APIRoute) -> bool:
    """Whether its calls change something, and so are audited."""
    return any(getattr(one.call, "u2c_changes", False) for one in route.dependant.dependencies)


def _says_what_it_changes(route: APIRoute) -> bool:
    """One of the two, not both."""
    return is_changing(route) != bool(getattr(route.endpoint, "u2c_changes_nothing", ""))


class Guard:
    """Inside Edge: FastAPI reads and parses a body before it asks any dependency, so the key is asked for
    here."""

    def __init__(self, app: ASGIApp, routes: Sequence[ScopedRoute]) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._route_of(scope) if scope["type"] == "http" and scope["path"].startswith(API) else None
        if asked is not None:
            request = Request(scope)
            send = _saying_as_of(request.app.state.context.keys, send)
            try:
                for wanted in asked.scopes:
                    authorize(request, wanted)
            except AppError as fault:
                scope["route"] = asked.route  # for the metric of this answer
                await problem(request, fault)(scope, receive, send)
                return
            if asked.route.body_field is not None:
                # A route that reads its body itself bounds it itself.
                receive = counting(receive)
            with structlog.contextvars.bound_contextvars(**_acting(request)):
                await self.app(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _route_of(self, scope: Scope) -> ScopedRoute | None:
        return next((one for one in self.routes if one.route.matches(scope)[0] is Match.FULL), None)


def _acting(request: Request) -> dict[str, str]:
    """What the log says of who acts, beside the trace: whom the caller named, once that was allowed."""
    named = request.headers.get(ACTOR_HEADER)
    return {} if named is None else {"actor": named}


def _saying_as_of(keys: Keys, send: Send) -> Send:
    """`send`, with the header that says as of when keys are known, once they have not been confirmed for too
    long to change anything."""
    as_of = keys.stale_as_of()
    if as_of is None:
        return send
    header = (AS_OF.lower().encode(), as_of.isoformat(timespec="seconds").replace("+00:00", "Z").encode())

    async def saying(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), header]
        await send(message)

    return saying
