"""The console, wired.

A page is added as a noun: a folder with `api.py` (its routes), `page.py` (what its templates take), and templates in
`templates/`. Its router joins ROUTERS; where the navigation leads to it, an Entry joins NAVIGATION, and who sees that
is read from the route itself. A route takes

    visit: Annotated[Visit, signed_in("finance", "leader")]      who asks, of these roles (sessions/parameters.py)
    visit: Annotated[Visit, submits("finance")]                  the same of a form: from a page of theirs, with its token

asks the services by `Services(context, visit)` (upstream/clients.py: at most six calls a page; a `Silent`
service greys its own block), and answers with `await shown(context, visit, "x.html", page)`, or after a form
with `see_other(address)` (frame/answers.py). A form is `Form(…, visit.csrf, new_id("idk"), …)` of domain/parts.py. Times are
shown by `visit.zones`, and links carry `visit.zones.query`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor

from services.console.assets.api import router as assets
from services.console.close.api import router as closing
from services.console.context import ConsoleContext
from services.console.customers.api import router as customers
from services.console.domain.navigation import Entry, placed
from services.console.domain.roles import ROLES, Role, variable
from services.console.events.api import router as events
from services.console.find.api import router as find
from services.console.frame.api import Inside, Posts, install_fault_pages, raised
from services.console.invoices.api import router as invoices
from services.console.late.api import router as late
from services.console.policy.api import router as policy
from services.console.quarantine.api import router as quarantine
from services.console.reconciliation.api import router as reconciliation
from services.console.sessions.api import router as sessions
from services.console.sessions.parameters import roles_of
from services.console.settings import ConsoleSettings
from services.console.suspense.api import router as suspense
from services.console.upstream.clients import client_of
from services.console.views.api import router as views
from services.console.waiting.api import router as waiting
from services.console.waiting.page.waiting import READERS, WAITING
from services.console.work.api import router as work
from shared.db.unit_of_work import Database
from shared.http.limits import BODY_MAX_BYTES
from shared.http.middleware import Edge, born_at_zero, methods_and_paths
from shared.runtime.disk import Disk
from shared.runtime.garbage import collect_on
from shared.runtime.logs import configure_logs
from shared.runtime.operations import operations_router
from shared.runtime.readiness import stored
from shared.runtime.tasks import close, end, start

NAME = "console"
ROUTERS = (
    waiting,
    find,
    sessions,
    assets,
    invoices,
    suspense,
    late,
    events,
    quarantine,
    reconciliation,
    customers,
    views,
    closing,
    policy,
    work,
)
NAVIGATION: tuple[Entry, ...] = (
    Entry("Waiting", WAITING, "w", only=READERS),
    Entry("Invoices", "/invoices", "i", has_views=True),
    Entry("Close", "/close", "m", has_views=True),
    Entry("Suspense", "/suspense", "s", has_views=True),
    Entry("Late", "/late", "l"),
    Entry("Work", "/work", "o", has_views=True),
    Entry("Customers", "/customers", "c", has_views=True),
    Entry("Events", "/events", "e"),
    Entry("Quarantine", "/quarantine", "q", has_views=True),
    Entry("Books", "/reconciliation", "b"),
    Entry("Account", "/account"),
)
#: Routes that everybody may ask for, each for a reason.
OPEN = {
    "/static/{digest}/{name}": "the style of the sign-in page; nobody's data",
    "/sign-in": "who signs in has not yet",
    "/sign-in/demo": "the same; in the demo alone, on its own machine",
}


def build(routers: Sequence[APIRouter] = ROUTERS, navigation: Sequence[Entry] = NAVIGATION) -> FastAPI:
    """Return the app. Starting it opens the database and a client for the services; it is on no bus."""
    configured = ConsoleSettings()
    app = FastAPI(
        title=f"usage-to-cash: {NAME}",
        lifespan=_life_of(
            placed(navigation, {route.path: roles_of_route(route) for route in routes_of(routers)})
        ),
        redirect_slashes=False,
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
    )
    install_fault_pages(app)
    refuse_open_routes(routers)
    for router in (*routers, operations_router(NAME, checks)):
        app.include_router(router)
    born_at_zero(methods_and_paths(routers))
    app.add_middleware(Posts, answering=raised)
    app.add_middleware(Inside, answering=raised)
    app.add_middleware(
        Edge,
        body_max_bytes=BODY_MAX_BYTES,
        body_timeout_s=configured.body_timeout_s,
        requests_max=configured.requests_max,
        answering=raised,
    )
    return app


def refuse_open_routes(routers: Sequence[APIRouter]) -> None:
    """Fail on a route that says neither whom it is for nor why for everybody, and on one that changes something by a
    form it does not check: deny by default."""
    for route in routes_of(routers):
        assert not any(type(one) is StringConvertor for one in route.param_convertors.values()), (
            f"{route.path} takes its address decoded: import shared.http.segments before it is made"
        )
        if route.path in OPEN:
            continue
        stated = [one.call for one in route.dependant.dependencies if roles_of(one.call) is not None]
        assert len(stated) == 1, f"{route.path} says not for whom: take `Annotated[Visit, signed_in(…)]`"
        assert route.methods == {"GET"} or getattr(stated[0], "u2c_submits", False), (
            f"{route.path} changes something: take `Annotated[Visit, submits(…)]`"
        )


def routes_of(routers: Sequence[APIRouter]) -> list[APIRoute]:
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


async def checks(context: ConsoleContext) -> dict[str, str]:
    """What /readyz says. A service that is down is not the console's fault: its blocks say so."""
    found = await stored(context.db, context.disk)
    missing = [variable(role) for role in ROLES if not context.settings.role_key(role)]
    found["role keys"] = (
        f"no {', '.join(missing)}: u2c migrate --keys --secrets DIR writes them" if missing else "ok"
    )
    return found


def _life_of(navigation: tuple[Entry, ...]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        settings = ConsoleSettings()
        configure_logs(NAME, settings.log_level)
        db = Database(settings.database_url, NAME, settings.database_pool_max)
        await db.open()
        http = client_of(settings)
        app.state.context = ConsoleContext(
            settings, db, Disk(db.pool, settings.data_folder), http, navigation
        )
        tasks = [start("garbage", collect_on)]
        try:
            yield
        finally:
            await end(tasks)
            await close(http.aclose, db.close)

    return life


def roles_of_route(route: APIRoute) -> frozenset[Role]:
    """Whom a page is for."""
    found = (roles_of(one.call) for one in route.dependant.dependencies)
    return next((roles for roles in found if roles is not None), frozenset())


app = build()
