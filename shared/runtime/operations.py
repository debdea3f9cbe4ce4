"""/healthz, /readyz and /metrics: for machines on the inside, so they need no key."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime.context import Ctx
from shared.runtime.readiness import checks
from shared.runtime.readiness import ready as is_ready


def operations_router(service: str) -> APIRouter:
    """The three routes of a service."""
    # `OPERATIONS` of the edge names the same three.
    router = APIRouter(tags=["Operations"])

    @router.get("/healthz", operation_id="health", summary="The process runs")
    async def health() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get(
        "/readyz",
        operation_id="readiness",
        summary="It can do its work: database, migrations, disk, bus position, API keys",
        responses={503: {"description": "Not now; `checks` says what is missing"}},
    )
    async def ready(context: Ctx) -> JSONResponse:
        found = await checks(context)
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
