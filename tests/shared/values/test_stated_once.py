"""No door states a bound of a name by itself: each that an OpenAPI document shows is one of the module's."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shared.http import shown_names
from shared.postgres.setup import SERVICES
from shared.values import names
from u2c.deployment.state import ROOT

#: Names by the word they go by in a path, a query or a body: the longest of them, or the pattern; None where
#: the quarantine keeps a name however long it came, and cuts one that is asked for like it.
LAW: dict[str, set[object]] = {
    "customer": {names.SUBJECT.characters_max},
    "external_id": {names.SUBJECT.characters_max},
    "subject": {names.SUBJECT.characters_max, None},
    "alias": {names.SUBJECT.characters_max},
    "source": {names.SOURCE.characters_max, None},
    "id": {names.EVENT_ID.characters_max, f"^{names.KEY}$", None},
    "event_type": {names.EVENT_TYPE.characters_max},
    "type": {names.EVENT_TYPE.characters_max, names.WORD.characters_max, None},
    "meter": {f"^{names.KEY}$", names.METER_OR_TYPE.characters_max},
    "contract": {f"^{names.KEY}$"},
    "plan": {f"^{names.KEY}$"},
    "legal_entity": {f"^{names.KEY}$"},
    "line_id": {f"^{names.GIVEN_ID}$"},
    "document_id": {f"^{names.GIVEN_ID}$"},
    "quarantine_id": {f"^{names.GIVEN_ID}$"},
    "key_id": {f"^{names.GIVEN_ID}$"},
    "signal_id": {f"^{names.GIVEN_ID}$"},
    "endpoint_id": {f"^{names.GIVEN_ID}$"},
    "delivery_id": {f"^{names.GIVEN_ID}$"},
    "reference": {names.REFERENCE.characters_max},
    "kind": {names.WORD.characters_max},
    "owner": {names.WORD.characters_max},
    "code": {names.WORD.characters_max},
    "number": {names.WORD.characters_max},
    "name": {names.LABEL_CHARACTERS_MAX},
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_bound_of_a_name_is_the_modules(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U2C_LOG_LEVEL", "error")
    document = import_module(f"services.{service}.main").app.openapi()
    stated = [
        (place, name, bound)
        for place, name, schema in fields(document)
        if name in LAW
        for bound in bounds(schema)
    ]
    assert len(stated) > 5
    wrong = [(place, name, bound) for place, name, bound in stated if bound not in LAW[name]]
    assert not wrong, f"take it from shared.values: {wrong}"


def test_no_source_file_writes_a_bound_of_its_own() -> None:
    """The lengths and patterns of names as they were written in eight places."""
    own = re.compile(r"max_length=(100|200|255|300|1024)\b|\b255\b|\[A-Za-z0-9\]\[A-Za-z0-9\._:-\]|\{1,64\}")
    files = [
        path
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    ]
    found = {
        line.strip()
        for path in files
        if path.parent.name != "values"
        for line in path.read_text().splitlines()
        if own.search(line)
    }
    assert [line for line in sorted(found) if not line.startswith(NO_NAMES)] == []


#: Lines that have such a number and bound no name: lists, a trace id, and how much of an id an index takes.
NO_NAMES = (
    "phases: ",
    "commitments: ",
    "credits: ",
    "Tiers = ",
    "TRACE = ",
    '"id": "left(id',
    '"q": begins("left(id',
    'Index("quarantine_id_begins"',
    'Index("quarantine_id_folded"',
    'Index("quarantine_subject_folded"',
)


def test_no_answer_states_a_name_that_is_shown_alike_elsewhere() -> None:
    """A name's example stands with its type in one module; an answer that may lack the name says its own."""
    stated = re.compile(r"(\w+)(?: =|:) (Annotated\[str, Field\(examples=\[.+\]\)\])")
    shown = {found[2]: found[1] for found in stated.finditer(Path(shown_names.__file__).read_text())}
    again = [
        f"{path.relative_to(ROOT)}: {found[1]} is {shown[found[2]]}"
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for found in stated.finditer(path.read_text())
        if found[2] in shown and found[1] not in OTHER_NAMES and path != Path(shown_names.__file__)
    ]
    assert not again


#: What has the example of a name and is none: the unit of a figure.
OTHER_NAMES = {"unit"}


def fields(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(where, name, schema) of every parameter and of every property of a request body."""
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            for parameter in operation.get("parameters", []):
                yield f"{verb} {path}", parameter["name"], parameter["schema"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from (
                    (f"{verb} {path}", name, schema)
                    for name, schema in properties(content["schema"], document)
                )


def properties(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in schema:
        yield from properties(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    for part in (
        *schema.get("anyOf", ()),
        *([schema["items"]] if isinstance(schema.get("items"), dict) else ()),
    ):
        yield from properties(part, document)
    for name, found in schema.get("properties", {}).items():
        yield name, found
        yield from properties(found, document)


def bounds(schema: dict[str, Any]) -> Iterator[object]:
    """What each text of the schema is bounded by: its pattern, its longest, or nothing. An enumeration needs
    no bound."""
    for part in schema.get("anyOf", [schema]):
        if part.get("type") == "string" and not {"enum", "const", "format"} & part.keys():
            yield part.get("pattern", part.get("maxLength")) if "maxLength" not in part else part["maxLength"]
