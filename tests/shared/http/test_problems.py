"""Errors FastAPI raises by itself leave as problems with the right name, and every route documents what it
may answer."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.errors import code_of
from shared.http.bodiless import refuse_unasked_body
from shared.http.documented import ALWAYS, CHANGING, CODES, READING
from shared.http.middleware import Edge
from shared.http.paging import Paged
from shared.http.problems import install_problems
from shared.http.query import refuse_unknown_parameters


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    since: AwareDatetime | None = None


def _app() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.post("/v1/things")
    async def make(thing: Thing) -> dict[str, str]:
        return {"name": thing.name}

    @app.get("/v1/things")
    async def listed(request: Request) -> dict[str, Any]:
        return {}

    @app.get("/v1/people", dependencies=[Depends(refuse_unknown_parameters)])
    async def people(
        page: Paged, customer: str, since: Annotated[str, Query(alias="from")] = ""
    ) -> dict[str, Any]:
        return {"customer": customer}

    @app.get("/v1/people/{name}", dependencies=[Depends(refuse_unknown_parameters)])
    async def person(name: str) -> dict[str, Any]:
        return {}

    @app.post("/v1/people/{name}/greet", dependencies=[Depends(refuse_unasked_body)])
    async def greet(name: str) -> dict[str, Any]:
        return {}

    @app.post(
        "/v1/raw",
        dependencies=[Depends(refuse_unasked_body)],
        openapi_extra={"requestBody": {"content": {"text/plain": {}}}},
    )
    async def raw(request: Request) -> dict[str, Any]:
        return {"sent": (await request.body()).decode()}

    @app.post("/v1/named", dependencies=[Depends(refuse_unasked_body)])
    async def named(thing: Thing) -> dict[str, Any]:
        return {}

    app.add_middleware(Edge, body_max_bytes=1000)
    return app


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/things", b"{", 400, "body_unreadable"),
        ("POST", "/v1/things", b'{"name": "\xff"}', 400, "body_unreadable"),
        ("POST", "/v1/things", b"[" * 999, 400, "body_unreadable"),
        ("POST", "/v1/things", b"{}", 422, "body_invalid"),
        ("POST", "/v1/things", b" " * 1001, 413, "body_too_large"),
        ("GET", "/v1/nothing", b"", 404, "route_not_found"),
        ("DELETE", "/v1/things", b"", 405, "method_not_allowed"),
    ],
)
async def test_the_framework_s_own_errors(
    method: str, path: str, body: bytes, status: int, code: str
) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        answer = await client.request(
            method, path, content=body, headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert status != 405 or "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path", "body", "remedy"),
    [
        ("POST", "/v1/things", b"{}", "add it"),
        ("POST", "/v1/things", b'{"name": "n", "nmae": "n"}', "check its spelling"),
        (
            "POST",
            "/v1/things",
            b'{"name": "n", "since": "2026-03-14T09:30:00"}',
            "such as 2026-03-14T09:30:00Z",
        ),
        ("POST", "/v1/things", b'{"name": "n", "since": "2026-03-14"}', "such as 2026-03-14T09:30:00Z"),
        ("POST", "/v1/things", b'{"name": "n", "since": "yesterday"}', "such as 2026-03-14T09:30:00Z"),
        ("GET", "/v1/nothing", b"", "/docs"),
        ("DELETE", "/v1/things", b"", "it takes POST"),
    ],
)
async def test_a_fault_of_the_framework_names_its_remedy(
    method: str, path: str, body: bytes, remedy: str
) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        answer = await client.request(
            method, path, content=body, headers={"Content-Type": "application/json"}
        )
    assert remedy in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "unknown", "hint"),
    [
        ("/v1/people?custmer=UA", ["custmer"], "did you mean customer?"),
        ("/v1/people?customer=UA&since=2013", ["since"], "it takes cursor, customer, from, limit"),
        ("/v1/people?customer=UA&x=&y=2&limit=1", ["x", "y"], "it takes cursor, customer, from, limit"),
        ("/v1/people/UA?customer=UA", ["customer"], "it takes none"),
        ("/v1/people?customer=UA&%ff%00=1", ["\ufffd\0"], "it takes cursor, customer, from, limit"),
    ],
)
async def test_a_query_parameter_nobody_declares_is_named_and_the_known_ones_are_listed(
    path: str, unknown: list[str], hint: str
) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        answer = await client.get(path)
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"], told["code"]) == (
        422,
        "application/problem+json",
        "query_parameter_unknown",
    )
    assert told["errors"] == [
        {"pointer": f"/query/{name}", "code": "unknown", "detail": hint} for name in unknown
    ]
    assert told["detail"].endswith(
        "it takes none" if "/UA" in path else "it takes cursor, customer, from, limit"
    )


@pytest.mark.parametrize(
    "path",
    ["/v1/people?customer=UA&from=2013&limit=1", "/v1/people?customer=UA&customer=AA", "/v1/people/UA"],
)
async def test_declared_parameters_are_taken(path: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"by": "maria"}', ["by"]),
        (b'{"by": "maria", "until": null}', ["by", "until"]),
        (b"[1]", []),
        (b"maria", []),
        (b"\xff", []),
        (b"[" * 999, []),
    ],
)
async def test_a_body_where_none_is_taken_is_refused_and_its_members_are_named(
    body: bytes, named: list[str]
) -> None:
    """It was ignored, and the answer looked as if what it asked had been done."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        answer = await client.post("/v1/people/UA/greet", content=body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "body_not_taken") and "leave the body out" in told[
        "detail"
    ]
    assert [fault["pointer"] for fault in told.get("errors", [])] == [f"/body/{name}" for name in named]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/people/UA/greet", b""),
        ("/v1/people/UA/greet", b"{}"),
        ("/v1/people/UA/greet", b" {}\n"),
        ("/v1/raw", b"maria"),
        ("/v1/named", b'{"name": "n"}'),
    ],
)
async def test_no_body_an_empty_object_and_a_body_that_is_asked_for_are_taken(path: str, body: bytes) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(_app()), base_url="http://here") as client:
        assert (
            await client.post(path, content=body, headers={"Content-Type": "application/json"})
        ).status_code == 200


async def test_every_route_documents_its_problems_by_code() -> None:
    document = _app().openapi()
    make, listed = document["paths"]["/v1/things"]["post"], document["paths"]["/v1/things"]["get"]
    assert _codes(listed) == {code_of(error) for error in (*ALWAYS, *READING)}
    assert _codes(make) == {code_of(error) for error in (*ALWAYS, *CHANGING)}
    assert _codes(document["paths"]["/v1/people/{name}/greet"]["post"]) == _codes(make) | {"body_not_taken"}
    assert _codes(document["paths"]["/v1/people"]["get"]) == _codes(listed) | {"cursor_invalid"}
    assert (
        "`url_too_long`: The URL is longer than any this API has" in listed["responses"]["414"]["description"]
    )
    assert "HTTPValidationError" not in str(document)


def _codes(operation: dict[str, Any]) -> set[str]:
    return {
        code
        for status, response in operation["responses"].items()
        if status >= "400"
        for code in response[CODES]
    }
