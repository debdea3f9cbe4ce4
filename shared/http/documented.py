"""The error answers in every service's OpenAPI document, stated in one place: a caller may count on these and
on no others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from shared.documents.faults import BodyUnreadable
from shared.errors import AppError, code_of, title_of
from shared.http.bodiless import BodyNotTaken, takes_body
from shared.http.cells import CSV, documented_csv, listed_by
from shared.http.examples import with_examples
from shared.http.faults import (
    BodyIncomplete,
    BodyInvalid,
    BodyTooLarge,
    CsvIsWhole,
    CsvNotOffered,
    CsvZoneUnknown,
    HeadTooLarge,
    HttpUnreadable,
    ServiceBusy,
    TooManyValues,
    Unavailable,
    UrlTooLong,
    status_of,
)
from shared.http.keys import (
    ActorInvalid,
    ActorRefused,
    KeyMissing,
    KeyRefused,
    KeysUnconfirmed,
    ScopeMissing,
)
from shared.http.query import QueryParameterUnknown

#: Our own paths, and those of clients that were made for others.
API = ("/v1/", "/api/v1/")
#: What any route of an API may answer beside its own.
ALWAYS = (
    HttpUnreadable,
    KeyMissing,
    KeyRefused,
    ScopeMissing,
    ActorRefused,
    ActorInvalid,
    UrlTooLong,
    BodyInvalid,
    QueryParameterUnknown,
    HeadTooLarge,
    Unavailable,
    ServiceBusy,
    KeysUnconfirmed,
)
#: What a route that only reads may answer too, and what a list.
READING = (CsvNotOffered,)
LISTING = (CsvZoneUnknown, CsvIsWhole)
#: What a route that takes a body or changes something may answer too.
CHANGING = (BodyTooLarge, TooManyValues, BodyIncomplete, BodyUnreadable)
COMPONENTS = "#/components/schemas/"
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Names the fault and the remedy"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "For machines; stays"},
        "request_id": {"type": "string", "description": "Finds it in our logs"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
CONTENT = {"application/problem+json": {"schema": {"$ref": f"{COMPONENTS}Problem"}}}
# beside the schema: an enum of each route's would be a class of its own in a generated client
CODES = "x-error-codes"
LISTED = "Listed_"  # as FastAPI names a Listed[X]: Listed_X_


def errors_of(route: APIRoute) -> list[type[AppError]]:
    """All errors that the route may answer, its own last."""
    if route.methods == {"GET"}:
        common = (*READING, *(LISTING if listed_by(route) else ()))
    else:
        common = (*CHANGING, *(() if takes_body(route) else (BodyNotTaken,)))
    return list(dict.fromkeys((*ALWAYS, *common, *_stated_below(route.dependant))))


def _routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """The routes of an app, those of the routers that it includes too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif router := getattr(route, "original_router", None):
            yield from _routes(router.routes)


def _stated_below(dependant: Dependant) -> Iterator[type[AppError]]:
    for below in dependant.dependencies:
        yield from _stated_below(below)
    yield from getattr(dependant.call, "u2c_refuses", ())


def document_problems(app: FastAPI) -> None:
    """Make the app's OpenAPI document say which problems each route of an API may answer."""

    def documented() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            routes = {
                (route.path_format, method.lower()): route
                for route in _routes(app.routes)
                for method in route.methods or ()
            }
            app.openapi_schema = with_problems(with_examples(with_named_bodies(named_lists(made))), routes)
        return app.openapi_schema

    app.openapi = documented  # type: ignore[method-assign]


def named_lists(document: dict[str, Any]) -> dict[str, Any]:
    """The document with lists named as their class is: a client generated from it has a `KeyAnswerList`."""
    schemas = document.get("components", {}).get("schemas", {})
    names = {name: f"{name[len(LISTED) : -1]}List" for name in schemas if name.startswith(LISTED)}
    references = {f"{COMPONENTS}{name}": f"{COMPONENTS}{listed}" for name, listed in names.items()}

    def renamed(part: object) -> Any:
        if isinstance(part, list):
            return [renamed(one) for one in part]
        if not isinstance(part, dict):
            return part
        return {
            key: references.get(value, value) if key == "$ref" else renamed(value)
            for key, value in part.items()
        }

    for name, listed in names.items():
        schemas[listed] = {**schemas.pop(name), "title": listed}
    found: dict[str, Any] = renamed(document)
    return found


def with_named_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what the bodies of routes that read bytes hold under the name that they give it: a
    `CloudEvent` is one everywhere."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for verbs in document["paths"].values():
        for operation in verbs.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "schema" in content:
                    content["schema"] = _named(content["schema"], schemas)
    return document


def _named(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema, or where it is a titled object the reference to it, which then is among `schemas`; the same
    for what is below it."""
    below = dict(schema)
    if "anyOf" in below:
        below["anyOf"] = [_named(one, schemas) for one in below["anyOf"]]
    if "items" in below:
        below["items"] = _named(below["items"], schemas)
    if "properties" in below:
        below["properties"] = {name: _named(one, schemas) for name, one in below["properties"].items()}
    if below.get("type") != "object" or "title" not in below:
        return below
    schemas[below["title"]] = below
    return {"$ref": f"{COMPONENTS}{below['title']}"}


def with_problems(document: dict[str, Any], routes: Mapping[tuple[str, str], APIRoute]) -> dict[str, Any]:
    """The document with its problems; FastAPI's own shape of a 422, which no service answers, goes."""
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            operation["responses"].pop("422", None)
            if path.startswith(API):
                route = routes[path, verb]
                operation["responses"] |= _problems(errors_of(route))
                if listed := listed_by(route):
                    operation["responses"]["200"]["content"][CSV] = documented_csv(listed)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    return document


def _problems(errors: Sequence[type[AppError]]) -> dict[str, Any]:
    """Status → what it is answered for, by code."""
    by_status: dict[int, dict[str, str]] = {}
    for error in errors:
        by_status.setdefault(status_of(error), {})[code_of(error)] = title_of(error)
    return {
        str(status): {
            "description": "\n".join(f"- `{code}`: {title}" for code, title in sorted(codes.items())),
            "content": CONTENT,
            CODES: sorted(codes),
        }
        for status, codes in sorted(by_status.items())
    }
