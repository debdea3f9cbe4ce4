"""What makes a FastAPI app a service: settings, database, bus, consumers, relay, jobs, health and metrics, in
one shape."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import uuid4

import httpx2
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.bus import Bus, BusUnavailable
from shared.bus.factory import open_bus
from shared.db.outbox import Relay
from shared.db.outbox_refused import Refused
from shared.db.unit_of_work import OUTAGES, Database
from shared.http.docs_page import docs_page
from shared.http.guard import Guard, scoped_routes
from shared.http.heard_keys import heard_all, key_consumer
from shared.http.keys import Keys
from shared.http.limits import BODY_MAX_BYTES, documented
from shared.http.middleware import Edge, born_at_zero
from shared.http.problems import install_problems
from shared.runtime import open_work, retention
from shared.runtime.clock import BusinessClock
from shared.runtime.consumer import Consumer, Subscribe
from shared.runtime.disk import Disk
from shared.runtime.garbage import collect_on
from shared.runtime.logs import configure_logs
from shared.runtime.quiet import Quiet
from shared.runtime.readiness import checks
from shared.runtime.readiness import ready as is_ready
from shared.runtime.settings import ServiceSettings
from shared.runtime.wake import Wake

log = structlog.get_logger()
JOB_BACKOFF_MAX_S = 10.0
WAITED_OUT: tuple[type[BaseException], ...] = (*OUTAGES, BusUnavailable)
END_ROUNDS_MAX, END_ROUND_S = 8, 0.5
CLOSE_PART_S = 1.0


@dataclass
class Context:
    """What doors and jobs of one running service share."""

    name: str
    settings: Any
    db: Database
    bus: Bus
    clock: BusinessClock
    keys: Keys
    http: httpx2.AsyncClient
    instance_id: str
    disk: Disk
    consumer: Consumer[Any] | None = None
    key_consumer: Consumer[Any] | None = None
    relay: Relay | None = None
    progress: Wake = field(
        default_factory=Wake
    )  # its consumer has committed something, or its relay published
    state: dict[str, Any] = field(default_factory=dict)  # what `setup` of the service put here

    @property
    def consumers(self) -> list[Consumer[Any]]:
        return [consumer for consumer in (self.consumer, self.key_consumer) if consumer is not None]


@dataclass(frozen=True)
class Job:
    """A schedule: `run` is called every `every_s` of the machine clock, and, if it follows the business
    clock, at once when that moves."""

    name: str
    every_s: float
    run: Callable[[Context], Awaitable[None]]
    workers: int = 1
    follows_clock: bool = True


@dataclass(frozen=True)
class Service:
    """One service's wiring, as its main.py states it. Its name is its schema, its bus group and its role."""

    name: str
    port: int
    settings: type[ServiceSettings]
    routers: Sequence[APIRouter]
    subscriptions: Sequence[Subscribe[Any]] = ()
    jobs: Sequence[Job] = ()
    setup: Callable[[Context], Awaitable[None]] | None = None
    #: True when no job that is due by the business clock is left (it may do that work itself first). A moved
    #: clock waits for it before
    #: it passes a due instant: billing answers here whether every final statement it has heard of is
    #: finalized or held.
    idle: Callable[[Context], Awaitable[bool]] | None = None
    body_max_bytes: int = BODY_MAX_BYTES
    description: str = ""


OPEN_WORK = Job("open_work", open_work.EVERY_S, open_work.measure, follows_clock=False)
FORGET_KEYS = Job(
    "forget_idempotency_keys", retention.EVERY_S, retention.forget_idempotency_keys, follows_clock=False
)


def build(service: Service) -> FastAPI:
    """Return the app. Starting it opens the database and the bus and runs consumers, relay and jobs until it
    stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings = service.settings()
        configure_logs(service.name, settings.log_level)
        context = await _open(service, settings)
        app.state.context = context
        tasks = _start_tasks(service, context)
        try:
            yield
        finally:
            await _end(tasks)
            await _close(context)

    configured = service.settings()
    app = FastAPI(
        title=f"usage-to-cash: {service.name}",
        version="1",
        description=f"{service.description}\n\n{documented(service.body_max_bytes)}",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
    )
    if configured.docs:
        app.include_router(docs_page(app))
    install_problems(app)
    for router in service.routers:
        app.include_router(router)
    app.include_router(_operations(service))
    born_at_zero(
        (method, route.path)
        for router in service.routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    )
    app.add_middleware(Guard, routes=scoped_routes(service.routers))
    app.add_middleware(
        Edge,
        body_max_bytes=service.body_max_bytes,
        body_timeout_s=configured.body_timeout_s,
        requests_max=configured.requests_max,
    )
    return app


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]


async def _open(service: Service, settings: ServiceSettings) -> Context:
    db = Database(settings.database_url, service.name, settings.database_pool_max)
    await db.open()
    instance = f"{service.name}-{uuid4().hex[:12]}"
    bus = open_bus(db.pool, settings.kafka if settings.bus == "kafka" else None, settings.session_timeout_s)
    await bus.start()
    context = Context(
        service.name,
        settings,
        db,
        bus,
        BusinessClock(db.pool, service.name, instance),
        Keys(db.pool, service.name, lambda: heard_all(context)),
        httpx2.AsyncClient(timeout=30, trust_env=False),
        instance,
        Disk(db.pool, settings.data_folder),
    )
    context.key_consumer = key_consumer(context, service.name)
    await context.keys.start()
    if service.setup:
        await service.setup(context)
    context.clock.until_quiet = Quiet(context, context.progress, service.idle)
    await context.clock.start()
    return context


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a cancellation that meets a connection being torn down can get lost in the
    driver."""
    left = set(tasks)
    for _round in range(END_ROUNDS_MAX):
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=END_ROUND_S) if left else (left, left)
    for task in left:
        log.error("task_does_not_end", task=task.get_name())


async def _close(context: Context) -> None:
    """Close part after part, each within its time: a database that is gone must not keep the process. Nothing
    is lost by haste."""
    parts = (context.keys.stop, context.clock.stop, context.bus.stop, context.http.aclose, context.db.close)
    for close in parts:
        try:
            await asyncio.wait_for(close(), CLOSE_PART_S)
        except WAITED_OUT as fault:
            log.warning("not_closed_in_order", part=close.__qualname__, fault=repr(fault))


def _start_tasks(service: Service, context: Context) -> list[asyncio.Task[None]]:
    context.consumer = Consumer(context, service.name, service.subscriptions, progress=context.progress)
    context.relay = Relay(
        context.db, context.bus, Refused(context.db, context.clock.now), progress=context.progress
    )
    context.db.told = context.relay.wake
    running = [("consumer", context.consumer.run), ("relay", context.relay.run), ("garbage", collect_on)]
    if context.key_consumer is not None:
        running.append(("key-consumer", context.key_consumer.run))
    tasks = [asyncio.create_task(_supervise(name, run), name=name) for name, run in running]
    tasks += [
        asyncio.create_task(_repeat(job, context), name=f"{job.name}-{worker}")
        for job in (*service.jobs, OPEN_WORK, FORGET_KEYS)
        for worker in range(job.workers)
    ]
    return tasks


async def _supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run what is meant to run for ever; after a fault nobody foresaw, begin again. What ends by itself has
    said why (`stopped_reason`)."""
    while True:
        try:
            return await run()
        except Exception:
            log.exception("task_failed", task=name)
            await asyncio.sleep(1)


async def _repeat(job: Job, context: Context) -> None:
    """Run a job for ever. A fault is logged and tried again with back-off: a job that stops is a leak nobody
    sees."""
    backoff_s = 0.1
    while True:
        try:
            await job.run(context)
            backoff_s = 0.1
            await (
                context.clock.wait_change(job.every_s) if job.follows_clock else asyncio.sleep(job.every_s)
            )
        except WAITED_OUT as fault:
            log.warning("job_waits_for_outage", job=job.name, fault=repr(fault))
            backoff_s = min(backoff_s * 2, JOB_BACKOFF_MAX_S)
            await asyncio.sleep(backoff_s)
        except Exception:
            log.exception("job_failed", job=job.name)
            backoff_s = min(backoff_s * 2, JOB_BACKOFF_MAX_S)
            await asyncio.sleep(backoff_s)


def _operations(service: Service) -> APIRouter:
    """/healthz, /readyz and /metrics: for machines on the inside, so they need no key."""
    router = APIRouter(tags=["Operations"])  # `OPERATIONS` of the edge names the same three

    @router.get("/healthz", operation_id="health", summary="The process runs")
    async def health() -> dict[str, str]:
        return {"status": "ok", "service": service.name}

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
