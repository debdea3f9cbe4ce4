"""What makes a FastAPI app a service: settings, database, bus, consumers, relay, jobs, health and metrics, in
one shape."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from uuid import uuid4

import httpx2
from fastapi import APIRouter, FastAPI

from shared.bus.factory import open_bus
from shared.db.outbox import Relay
from shared.db.outbox_refused import Refused
from shared.db.unit_of_work import Database
from shared.http.docs_page import docs_page
from shared.http.export import Export
from shared.http.guard import Guard, scoped_routes
from shared.http.keys import Keys
from shared.http.limits import BODY_MAX_BYTES, documented
from shared.http.me import me_router
from shared.http.middleware import Edge, born_at_zero, methods_and_paths
from shared.http.problems import install_problems
from shared.replica.access_keys import heard_all, key_consumer
from shared.runtime import open_work, retention
from shared.runtime.clock import BusinessClock
from shared.runtime.consumer import Consumer, Subscribe
from shared.runtime.context import Context, Foundation
from shared.runtime.disk import Disk
from shared.runtime.garbage import collect_on
from shared.runtime.jobs import Job, repeat
from shared.runtime.logs import configure_logs
from shared.runtime.operations import operations_router
from shared.runtime.quiet import Quiet
from shared.runtime.readiness import checks
from shared.runtime.settings import ServiceSettings
from shared.runtime.tasks import close, end, start
from shared.runtime.wake import News

Settings = TypeVar("Settings", bound=ServiceSettings)
State = TypeVar("State")


@dataclass(frozen=True)
class Service(Generic[Settings, State]):
    """One service's wiring, as its main.py states it. Its name is its schema, its bus group and its role."""

    name: str
    port: int
    settings: type[Settings]
    routers: Sequence[APIRouter]
    #: Builds what the service's doors, handlers and jobs share beside the foundation.
    setup: Callable[[Foundation[Settings]], Awaitable[State]]
    subscriptions: Sequence[Subscribe[Context[Settings, State]]] = ()
    jobs: Sequence[Job[Context[Settings, State]]] = ()
    #: Does what is due by the business clock; True when nothing due is left. A moved clock waits for it before
    #: it passes a due instant: billing answers here whether every final statement it has heard of is finalized
    #: or held.
    finish_due_work: Callable[[Context[Settings, State]], Awaitable[bool]] | None = None
    body_max_bytes: int = BODY_MAX_BYTES
    description: str = ""


OPEN_WORK = Job("open_work", open_work.EVERY_S, open_work.measure, follows_clock=False)
FORGET_KEYS = Job(
    "forget_idempotency_keys", retention.EVERY_S, retention.forget_idempotency_keys, follows_clock=False
)


def build(service: Service[Settings, State]) -> FastAPI:
    """Return the app. Starting it opens the database and the bus and runs consumers, relay and jobs until it
    stops."""
    configured = service.settings()
    app = FastAPI(
        title=f"usage-to-cash: {service.name}",
        version="1",
        description=f"{service.description}\n\n{documented(service.body_max_bytes)}",
        lifespan=_life_of(service),
        redirect_slashes=False,
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
    )
    if configured.docs:
        app.include_router(docs_page(app))
    install_problems(app)
    routers = (*service.routers, me_router(service.name))
    for router in (*routers, operations_router(service.name, checks)):
        app.include_router(router)
    born_at_zero(methods_and_paths(routers))
    scoped = scoped_routes(routers)
    app.add_middleware(Export, routes=[one.route for one in scoped])
    app.add_middleware(Guard, routes=scoped)
    app.add_middleware(
        Edge,
        body_max_bytes=service.body_max_bytes,
        body_timeout_s=configured.body_timeout_s,
        requests_max=configured.requests_max,
    )
    return app


def _life_of(service: Service[Settings, State]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
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
            await end(tasks)
            await close(
                context.keys.stop, context.clock.stop, context.bus.stop, context.http.aclose, context.db.close
            )

    return lifespan


async def _open(service: Service[Settings, State], settings: Settings) -> Context[Settings, State]:
    foundation = await _lay_foundation(service.name, settings)
    db, bus, clock, instance_id = foundation.db, foundation.bus, foundation.clock, foundation.instance_id
    keys_heard = key_consumer(foundation, service.name)
    keys = Keys(db.pool, service.name, lambda: heard_all(bus, keys_heard))
    if keys_heard is not None:
        keys.heard = keys_heard.progress
    await keys.start()
    context = Context(
        service.name,
        settings,
        db,
        bus,
        clock,
        keys,
        httpx2.AsyncClient(timeout=30, trust_env=False),
        instance_id,
        Disk(db.pool, settings.data_folder),
        await service.setup(foundation),
        keys_heard,
    )
    clock.until_quiet = Quiet(context, service.finish_due_work)
    await clock.start()
    return context


async def _lay_foundation(name: str, settings: Settings) -> Foundation[Settings]:
    db = Database(settings.database_url, name, settings.database_pool_max)
    await db.open()
    instance_id = f"{name}-{uuid4().hex[:12]}"
    bus = open_bus(db.pool, settings.kafka if settings.bus == "kafka" else None, settings.session_timeout_s)
    await bus.start()
    return Foundation(settings, db, bus, BusinessClock(db.pool, name, instance_id), instance_id)


def _start_tasks(
    service: Service[Settings, State], context: Context[Settings, State]
) -> list[asyncio.Task[None]]:
    context.consumer = Consumer(context, service.name, service.subscriptions, progress=context.progress)
    context.relay = Relay(
        context.db, context.bus, Refused(context.db, context.clock.now), progress=context.progress
    )
    context.db.told = partial(_told, context.relay, context.progress)
    running = [("consumer", context.consumer.run), ("relay", context.relay.run), ("garbage", collect_on)]
    if context.key_consumer is not None:
        running.append(("key-consumer", context.key_consumer.run))
    jobs: Sequence[Job[Context[Settings, State]]] = (*service.jobs, OPEN_WORK, FORGET_KEYS)
    tasks = [start(name, run) for name, run in running]
    tasks += [
        asyncio.create_task(repeat(job, context), name=f"{job.name}-{worker}")
        for job in jobs
        for worker in range(job.workers)
    ]
    return tasks


def _told(relay: Relay, progress: News) -> None:
    relay.wake()
    progress.call()
