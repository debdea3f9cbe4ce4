"""The error answers in every service's OpenAPI document, stated in one place: a caller may count on these and on no others."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.http.examples import with_examples

API = ("/v1/", "/api/v1/")                         # our own paths, and those of clients that were made for others
#: What any route of an API may answer beside its own.
ALWAYS = {
    400: "The request cannot be read", 401: "No key, or one that is refused", 403: "The key lacks the scope", 404: "There is no such thing",
    414: "The URL is too long", 422: "Understood and refused, an unknown query parameter too: `errors` points at what",
    431: "The headers are too many or too large", 503: "Database or bus down, or too much in work; nothing was accepted, see Retry-After",
}
#: What a route that takes a body or changes something may answer too.
CHANGING = {
    409: "Its state, or a request in flight, forbids it", 413: "Too large", 415: "Content type or encoding not taken",
    429: "Too much in flight; see Retry-After",
}
COMPONENTS = "#/components/schemas/"
PROBLEM: dict[str, Any] = {
    "title": "Problem", "description": "RFC 9457 problem details", "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Names the fault and the remedy"}, "instance": {"type": "string"},
        "code": {"type": "string", "description": "For machines; stays"}, "request_id": {"type": "string", "description": "Finds it in our logs"},
        "errors": {"type": "array", "items": {
            "type": "object", "properties": {"pointer": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}}}},
    },
}
CONTENT = {"application/problem+json": {"schema": {"$ref": f"{COMPONENTS}Problem"}}}
LISTED = "Listed_"                                  # as FastAPI names a Listed[X]: Listed_X_
VERBS = {"get", "put", "post", "patch", "delete"}


def document_problems(app: FastAPI) -> None:
    """Make the app's OpenAPI document say which problems each route of an API may answer."""

    def documented() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            app.openapi_schema = with_problems(with_examples(named_by_title(made)))
        return app.openapi_schema

    app.openapi = documented  # type: ignore[method-assign]


def named_by_title(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every schema under the name it bears, so that a client generated from it has a `KeyAnswerList` and a `CloudEvent`."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    lists = {name: f"{name[len(LISTED):-1]}List" for name in schemas if name.startswith(LISTED)}
    found: dict[str, Any] = {}

    def named(part: Any) -> Any:
        if isinstance(part, list):
            return [named(one) for one in part]
        if not isinstance(part, dict):
            return part
        below = {key: named(value) for key, value in part.items()}
        if "$ref" in below:
            name = below["$ref"].rpartition("/")[2]
            return {**below, "$ref": f"{COMPONENTS}{lists.get(name, name)}"}
        if below.get("type") == "object" and str(below.get("title", "")).isidentifier():
            found.setdefault(below["title"], below)
            return {"$ref": f"{COMPONENTS}{below['title']}"}
        return below

    paths = named(document["paths"])
    described = {lists.get(name, name): {key: named(value) for key, value in schema.items()} for name, schema in schemas.items()}
    return {**document, "paths": paths, "components": {**document["components"], "schemas": {**found, **described}}}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its problems; FastAPI's own shape of a 422, which no service answers, goes."""
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if verb in VERBS and path.startswith(API):
                told = ALWAYS if verb == "get" else {**ALWAYS, **CHANGING}
                operation["responses"] |= {str(status): {"description": text, "content": CONTENT} for status, text in told.items()}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    return document
