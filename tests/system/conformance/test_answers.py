"""Every answer of every API is described: named schemas with formats and nullability, and an example that
fits its schema."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import jsonschema_rs
import pytest

from shared.errors import AppError, Kind, code_of
from shared.http.documented import API
from shared.http.examples import example_of
from shared.postgres.setup import PROCESSES, SERVICES

JSON = "application/json"
#: Places of which nothing can be said, because what stands there is its sender's own. Each is named with its
#: reason.
SENDERS_OWN = {
    "CountedEventAnswer.data": "an event's data: what a product measures is its own business",
    "StoredEvent.data": "the same",
    "RefusedBody.data": "the same",
    "PlanAnswer.*": "a plan is kept as it was written, and validated with the contract that takes it",
    "TermsSchemaAnswer": "a JSON Schema",
}

#: What is answered 404 and is not called `…NotFound`, each with its reason.
NOT_FOUND_OTHERWISE = {
    "not_open": "a dead letter's name is right, and nothing of it is open any more",
    "rating_refused": "whatever rating refuses billing for, said in rating's own words",
}


def answers(service: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(verb and path, the JSON media of a success, the document's schemas) of each route of the API."""
    document = import_module(f"services.{service}.main").app.openapi()
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            for status, response in operation["responses"].items():
                if path.startswith(API) and status.startswith("2") and JSON in response.get("content", {}):
                    yield f"{verb} {path}", response["content"][JSON], document["components"]["schemas"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_has_a_named_schema(service: str) -> None:
    unnamed = [
        route
        for route, media, _ in answers(service)
        if not all("$ref" in kind for kind in media["schema"].get("anyOf", [media["schema"]]))
    ]
    assert not unnamed


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_schemas_of_a_service_have_one_name(service: str) -> None:
    """A generated client makes a class of each name: of two with one name neither is made, nor what holds them."""
    schemas = import_module(f"services.{service}.main").app.openapi()["components"]["schemas"]
    assert not [name for name in schemas if "__" in name]


@pytest.mark.parametrize("service", SERVICES)
def test_no_part_of_an_answer_is_an_object_of_anything(service: str) -> None:
    vague = {
        (route, place)
        for route, media, schemas in answers(service)
        for place in _vague(media["schema"], schemas, (), "answer")
    }
    assert not {f"{route}: {place}" for route, place in vague if place not in SENDERS_OWN}


def test_what_is_its_senders_own_is_in_some_answer() -> None:
    described = [one for service in SERVICES for one in answers(service)]
    assert {
        place for _, media, schemas in described for place in _vague(media["schema"], schemas, (), "answer")
    } >= SENDERS_OWN.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_every_example_fits_its_schema(service: str) -> None:
    for route, media, schemas in answers(service):
        schema = {**media["schema"], "components": {"schemas": schemas}}
        for shown in (media.get("example"), example_of(media["schema"], schemas)):
            faults = [
                f"{fault.instance_path}: {fault.message}"
                for fault in jsonschema_rs.validator_for(schema).iter_errors(shown)
            ]
            assert not faults, f"{route}: {faults}"


def _vague(
    schema: dict[str, Any], schemas: dict[str, Any], seen: tuple[str, ...], place: str
) -> Iterator[str]:
    """Places below the schema of which it says nothing: any value, an object without named members or a kind
    of value, an array of anything."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from _vague(schemas[name], schemas, (*seen, name), name)
        return
    if schema.get("x-described-elsewhere"):
        assert "`GET /" in schema["description"], f"{place} does not say where it is described"
        return
    kinds = [kind for word in ("anyOf", "oneOf", "allOf") for kind in schema.get(word, ())]
    for kind in kinds:
        yield from _vague(kind, schemas, seen, place)
    if schema.get("type") == "object" or "properties" in schema:
        yield from _vague_members(schema, schemas, seen, place)
    elif schema.get("type") == "array":
        yield from _vague(schema.get("items", {}), schemas, seen, f"{place}[]")
    elif not kinds and not schema.keys() & {"type", "const", "enum"}:
        yield place


def _vague_members(
    schema: dict[str, Any], schemas: dict[str, Any], seen: tuple[str, ...], place: str
) -> Iterator[str]:
    members = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    if others is True or not (members or others):
        yield place
    for name, member in members.items():
        yield from _vague(member, schemas, seen, f"{place}.{name}")
    if isinstance(others, dict):
        yield from _vague(others, schemas, seen, f"{place}.*")


def test_what_an_address_names_is_not_found_and_what_a_document_names_is_unknown() -> None:
    """One word and one status for one thing, whichever service says it: 404 `…_not_found`, 422 `…_unknown`."""
    for process in PROCESSES:
        import_module(f"services.{process}.main")
    kinds: dict[str, set[Kind]] = {}
    for error in _kinds_of(AppError):
        kinds.setdefault(code_of(error), set()).add(error.kind)
    assert {code: of for code, of in kinds.items() if len(of) > 1} == {}, "one code has two statuses"
    not_found = {code for code, of in kinds.items() if Kind.NOT_FOUND in of}
    assert not_found - NOT_FOUND_OTHERWISE.keys() == {code for code in kinds if code.endswith("_not_found")}
    assert {code for code in kinds if code.endswith("_unknown")} & not_found == set()
    assert {"customer_not_found", "customer_unknown"} <= kinds.keys()


def _kinds_of(error: type[AppError]) -> Iterator[type[AppError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from _kinds_of(kind)
