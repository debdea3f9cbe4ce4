"""A service with one fault of each kind: the fuzzing must name every one."""

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

from shared.errors import AppError
from shared.http.problems import install_problems
from tests.system.fuzz.contract import fuzz
from u2c.deployment.ports import first_free_ports


class Answer(BaseModel):
    count: int


class NobodySaid(AppError):
    """An error that its route does not state."""


def _faulty() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.get("/v1/sound/{name}")
    async def sound(name: str, limit: int = 1) -> Answer:
        return Answer(count=limit)

    @app.get("/v1/breaks")
    async def breaks() -> Answer:
        return JSONResponse({"detail": "broken"}, 500)  # type: ignore[return-value]

    @app.get("/v1/undocumented")
    async def undocumented() -> Answer:
        return JSONResponse({"count": 1}, 207)  # type: ignore[return-value]

    @app.get("/v1/misshapen")
    async def misshapen() -> Answer:
        return JSONResponse({"count": "many"})  # type: ignore[return-value]

    @app.get("/v1/other-type")
    async def other_type() -> Answer:
        return PlainTextResponse("count: 1")  # type: ignore[return-value]

    @app.get("/v1/unstated")
    async def unstated() -> Answer:
        raise NobodySaid

    @app.get("/v1/known-only/{name}")
    async def known_only(name: str) -> Answer:
        return JSONResponse({}, 500) if name == "there" else Answer(count=0)  # type: ignore[return-value]

    return app


@pytest.fixture
def faulty_url() -> Iterator[str]:
    """Where the faulty service answers."""
    (port,) = first_free_ports(1)
    server = uvicorn.Server(uvicorn.Config(_faulty(), port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_every_planted_fault_is_named(faulty_url: str) -> None:
    faults = set(fuzz(faulty_url, "key", 2, {"name": "there"}).faults)
    assert faults >= {
        "GET /v1/breaks 500 ServerError",
        "GET /v1/undocumented 207 UndefinedStatusCode",
        "GET /v1/misshapen 200 JsonSchemaError",
        "GET /v1/other-type 200 UndefinedContentType",
        "GET /v1/unstated 422 nobody_said",
        "GET /v1/known-only/{name} 500 ServerError",
    }
    assert not [fault for fault in faults if "sound" in fault]
