"""A route that takes no body refuses one: what somebody put there must not look as if it had been done."""

from typing import Any

import msgspec
from fastapi import Request
from fastapi.routing import APIRoute

from shared.errors import AppError
from shared.http.limits import NAME_CHARS_MAX, NAMED_MAX


class BodyNotTaken(AppError):
    """This address takes no body."""


def takes_body(route: APIRoute) -> bool:
    """Whether the route reads a body: one that FastAPI reads for it, or one that it reads itself and
    describes."""
    return route.body_field is not None or "requestBody" in (route.openapi_extra or {})


async def refuse_unasked_body(request: Request) -> None:
    """Raise BodyNotTaken when something was sent to a route that reads no body. An empty body and an empty
    object are taken for none."""
    if takes_body(request.scope["route"]):
        return
    body = (await request.body()).strip()
    if body and body != b"{}":
        names = [str(name)[:NAME_CHARS_MAX] for name in _members(body)][:NAMED_MAX]
        raise BodyNotTaken(
            f"nothing of {', '.join(map(repr, names)) or 'the body'} would be done; leave the body out",
            errors=[
                {"pointer": f"/body/{name}", "code": "unknown", "detail": "it takes no body; leave it out"}
                for name in names
            ],
        )


def _members(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
