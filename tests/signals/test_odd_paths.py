"""A path nobody's customer can have is refused by name, and never reaches the database."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.signals.evaluation.api import router


@pytest.mark.parametrize("path", ["/v1/customers/%00/signals", "/v1/customers/a%00b/activity"])
def test_nul_is_no_customer(path: str) -> None:
    routes = {route.path: route for route in router.routes}                     # type: ignore[attr-defined]
    assert "/v1/customers/{external_id}/signals" in routes
    app = FastAPI()
    app.include_router(router)
    app.dependency_overrides = {dependency.call: lambda: None for route in routes.values() for dependency in route.dependant.dependencies}
    app.state.context = None
    assert TestClient(app).get(path).status_code == 422
