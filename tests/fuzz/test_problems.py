"""Errors FastAPI raises by itself leave as problems with the right name, and every route documents what it may answer."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

from shared.http.documented import ALWAYS, CHANGING
from shared.http.middleware import Edge
from shared.http.problems import install_problems


class Thing(BaseModel):
    name: str


def _app() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.post("/v1/things")
    async def make(thing: Thing) -> dict[str, str]:
        return {"name": thing.name}

    @app.get("/v1/things")
    async def listed(request: Request) -> dict[str, Any]:
        return {}

    app.add_middleware(Edge, body_max_bytes=1000)
    return app


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), [
    ("POST", "/v1/things", b"{", 400, "body_unreadable"),
    ("POST", "/v1/things", b'{"name": "\xff"}', 400, "body_unreadable"),
    ("POST", "/v1/things", b"[" * 999, 400, "body_unreadable"),
    ("POST", "/v1/things", b"{}", 422, "body_invalid"),
    ("POST", "/v1/things", b" " * 1001, 413, "body_too_large"),
    ("GET", "/v1/nothing", b"", 404, "no_such_route"),
    ("DELETE", "/v1/things", b"", 405, "method_not_allowed"),
])
async def test_the_framework_s_own_errors(method: str, path: str, body: bytes, status: int, code: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        answer = await client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert status != 405 or "POST" in answer.headers["allow"]


async def test_every_route_documents_its_problems() -> None:
    document = _app().openapi()
    make, listed = document["paths"]["/v1/things"]["post"], document["paths"]["/v1/things"]["get"]
    assert {str(status) for status in (*ALWAYS, *CHANGING)} < make["responses"].keys()
    assert listed["responses"].keys() == {"200", *(str(status) for status in ALWAYS)}
    assert "HTTPValidationError" not in str(document)
