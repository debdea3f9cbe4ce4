"""What makes a FastAPI app a service: settings, database, bus, consumers, relay, jobs, health and metrics, in
one shape."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from uuid import uuid4

import httpx2
import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from shared.bus.factory import open_bus
from shared.db.outbox import Relay
from shared.db.outbox_refused import Refused
from shared.db.unit_of_work import Database
from shared.http.docs_page import docs_page
from shared.http.guard import Guard, scoped_routes
from shared.http.keys import Keys
from shared.http.limits import BODY_MAX_BYTES, documented
from shared.http.middleware import Edge, born_at_zero
from shared.http.problems import install_problems
from shared.replica.access_keys import heard_all, key_consumer
from shared.runtime import open_work, retention
from shared.runtime.clock import BusinessClock
from shared.runtime.consumer import Consumer, Subscribe
from shared.runtime.context import AnyContext, Context, Foundation
from shared.runtime.disk import Disk
from shared.runtime.garbage import collect_on
from shared.runtime.jobs import WAITED_OUT, Job, repeat
from shared.runtime.logs import configure_logs
from shared.runtime.operations import operations_router
from shared.runtime.quiet import Quiet
from shared.runtime.settings import ServiceSettings
from shared.runtime.wake import News

log = structlog.get_logger()
END_ROUNDS_MAX, END_ROUND_S = 8, 0.5
CLOSE_PART_S = 1.0
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
    for router in (*service.routers, operations_router(service.name)):
        app.include_router(router)
    born_at_zero(_methods_and_paths(service.routers))
    app.add_middleware(Guard, routes=scoped_routes(service.routers))
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
            await _end(tasks)
            await _close(context)

    return lifespan


def _methods_and_paths(routers: Sequence[APIRouter]) -> Iterator[tuple[str, str]]:
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in route.methods or ())


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


async def _close(context: AnyContext) -> None:
    """Close part after part, each within its time: a database that is gone must not keep the process. Nothing
    is lost by haste."""
    parts = (context.keys.stop, context.clock.stop, context.bus.stop, context.http.aclose, context.db.close)
    for close in parts:
        try:
            await asyncio.wait_for(close(), CLOSE_PART_S)
        except WAITED_OUT as fault:
            log.warning("not_closed_in_order", part=close.__qualname__, fault=repr(fault))


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
    tasks = [asyncio.create_task(_supervise(name, run), name=name) for name, run in running]
    tasks += [
        asyncio.create_task(repeat(job, context), name=f"{job.name}-{worker}")
        for job in jobs
        for worker in range(job.workers)
    ]
    return tasks


def _told(relay: Relay, progress: News) -> None:
    relay.wake()
    progress.call()


async def _supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run what is meant to run for ever; after a fault nobody foresaw, begin again. What ends by itself has
    said why (`stopped_reason`)."""
    while True:
        try:
            return await run()
        except Exception:
            log.exception("task_failed", task=name)
            await asyncio.sleep(1)
