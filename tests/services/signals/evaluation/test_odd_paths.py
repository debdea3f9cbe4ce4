"""A path nobody's customer can have is refused by name, and never reaches the database."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from services.signals.evaluation.api import router
from tests.conftest import TestServer, fresh_database
from tests.services.signals.conftest import signals_on
from tests.services.signals.deployment import Signals


@pytest.mark.parametrize("path", ["/v1/customers/%00/signals", "/v1/customers/a%00b/activity"])
def test_nul_is_no_customer(path: str) -> None:
    routes = {route.path: route for route in router.routes if isinstance(route, APIRoute)}
    assert "/v1/customers/{external_id}/signals" in routes
    app = FastAPI()
    app.include_router(router)
    app.dependency_overrides = {
        dependency.call: lambda: None
        for route in routes.values()
        for dependency in route.dependant.dependencies
        if dependency.call is not None
    }
    app.state.context = None
    assert TestClient(app).get(path).status_code == 422


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(postgres_server: TestServer) -> AsyncIterator[Signals]:
    """One for all paths: what is refused leaves nothing."""
    with fresh_database(postgres_server) as database, pytest.MonkeyPatch.context() as patch:
        async with signals_on(database, patch) as signals:
            yield signals


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/signals/%00",
        "/v1/webhook-endpoints/%00",
        "/v1/webhook-deliveries/a%00b",
        "/v1/customers/acme/signals?at=0001-01-01T00:00:00%2B14:00",
        "/v1/customers/acme/signals?at=9999-12-31T23:59:59-14:00",
        "/v1/customers/acme/activity?until=0001-01-01",
        "/v1/customers/acme/activity?meter=%00",
        "/v1/signals?customer=%00",
        "/v1/signals?from=9999-12-31T23:59:59-14:00",
        "/v1/signals?cursor=WyJ4IiwieSJd",
    ],
)
async def test_no_text_or_time_reaches_the_database_that_it_cannot_hold(refusing: Signals, path: str) -> None:
    assert (await refusing.client.get(path)).status_code == 422
