"""/healthz, /readyz and /metrics: for machines on the inside, so they need no key."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime.readiness import ready as is_ready

#: What is said of a running process's context, by the name of each part.
Checks = Callable[[Any], Awaitable[dict[str, str]]]


def operations_router(process: str, checks: Checks) -> APIRouter:
    """The three routes of a process."""
    # `OPERATIONS` of the edge names the same three.
    router = APIRouter(tags=["Operations"])

    @router.get("/healthz", operation_id="health", summary="The process runs")
    async def health() -> dict[str, str]:
        return {"status": "ok", "service": process}

    @router.get(
        "/readyz",
        operation_id="readiness",
        summary="It can do its work: database, migrations, disk, bus position, API keys",
        responses={503: {"description": "Not now; `checks` says what is missing"}},
    )
    async def ready(request: Request) -> JSONResponse:
        found = await checks(request.app.state.context)
        good = is_ready(found)
        return JSONResponse(
            {"status": "ready" if good else "not ready", "checks": found}, 200 if good else 503
        )

    @router.get(
        "/metrics", operation_id="metrics", summary="Prometheus metrics", response_class=PlainTextResponse
    )
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(generate_latest().decode(), media_type=CONTENT_TYPE_LATEST)

    return router
