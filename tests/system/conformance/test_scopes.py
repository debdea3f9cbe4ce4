"""Every API route of every service asks for a key: a service with one that does not is not built."""

from importlib import import_module

import pytest
from fastapi import APIRouter

from shared.http.documented import API
from shared.http.guard import Guard
from shared.runtime.context import Foundation
from shared.runtime.service import Service, build
from shared.runtime.settings import ServiceSettings

SERVICES = ("usage_ingest", "rating", "billing", "signals")


def test_a_route_without_a_scope_stops_the_service_at_start() -> None:
    router = APIRouter(prefix="/v1/open")

    @router.get("/door")
    async def door() -> None: ...

    async def setup(_foundation: Foundation[ServiceSettings]) -> None: ...

    with pytest.raises(AssertionError, match="/v1/open/door states no scope"):
        build(Service(name="open", port=1, settings=ServiceSettings, routers=(router,), setup=setup))


@pytest.mark.parametrize("name", SERVICES)
def test_every_documented_route_is_guarded(name: str) -> None:
    app = import_module(f"services.{name}.main").app
    [guard] = [middleware for middleware in app.user_middleware if middleware.cls is Guard]
    guarded = {
        (one.route.path, method.lower()) for one in guard.kwargs["routes"] for method in one.route.methods
    }
    documented = {
        (path, verb)
        for path, verbs in app.openapi()["paths"].items()
        for verb in verbs
        if path.startswith(API)
    }
    assert guarded == documented != set()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_answers_for_its_exceptions(name: str) -> None:
    [answer] = [
        verbs["get"]
        for path, verbs in import_module(f"services.{name}.main").app.openapi()["paths"].items()
        if path == "/v1/exceptions"
    ]
    assert answer["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ExceptionAnswerList"
    }
