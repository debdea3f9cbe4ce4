"""What the console knows of each answer is what its service says of it, in its own document: nothing that may be answered is
refused as another shape."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import msgspec
import pytest
from msgspec import inspect

from services.console.domain.formats import DayText, InstantText, Number
from services.console.upstream.domain.shapes import SHAPES, misfit
from shared.http.answers import DECIMAL

#: What a service may say, and does not where the console asks, each with its reason.
NEVER_SAID: Final = {
    "GET usage_ingest/v1/quarantine/summary.groups[].code null": "groups are asked for by code",
    "GET billing/v1/review-policy/versions.data[].set_by null": "of version 0 alone, which no list has",
    "GET billing/v1/review-policy/versions.data[].set_at null": "the same",
    **{
        f"GET {service}/v1/exceptions/{{}}.acts absent": "it is absent in lists alone"
        for service in ("usage_ingest", "rating", "billing", "signals")
    },
    **{
        f"POST usage_ingest/v1/quarantine/{{}}/{act}.{what}": "of a dry run, which no page asks for"
        for act in ("replay", "repair")
        for what in ("status absent", "detail null")
    },
}
FORMATS: Final = (
    (inspect.type_info(Number), DECIMAL),
    (inspect.type_info(DayText), {"type": "string", "format": "date"}),
    (inspect.type_info(InstantText), {"type": "string", "format": "date-time"}),
)
KINDS: Final[dict[str, tuple[type[inspect.Type], ...]]] = {
    "null": (inspect.NoneType,),
    "boolean": (inspect.BoolType,),
    "integer": (inspect.IntType, inspect.FloatType),
    "number": (inspect.FloatType,),
}


def test_each_answer_fits_the_document_of_its_service() -> None:
    refused = {one for known in SHAPES for one in _refused_of(known)}
    assert refused - NEVER_SAID.keys() == set()
    assert NEVER_SAID.keys() - refused == set()


@pytest.mark.parametrize(
    ("clock", "fault"),
    [
        ({"now": "2026-04-05T12:00:00Z", "moved": True, "of tomorrow": 1}, ""),
        ({"now": "2026-04-05T12:00:00Z"}, "missing required field `moved`"),
        ({"now": "2026-02-31T12:00:00Z", "moved": True}, "Invalid RFC3339 encoded datetime - at `$.now`"),
        ({"now": 7, "moved": True}, "Expected `datetime`, got `int` - at `$.now`"),
        ({"now": "2026-04-05T12:00:00Z", "moved": None}, "Expected `bool`, got `null` - at `$.moved`"),
    ],
)
def test_an_answer_of_another_shape_is_none(clock: dict[str, Any], fault: str) -> None:
    found = misfit("GET rating/v1/clock", clock)
    assert fault in found and bool(fault) is bool(found)


def _refused_of(known: str) -> Iterator[str]:
    verb, _, where = known.partition(" ")
    service, _, path = where.partition("/")
    document = import_module(f"services.{service}.main").app.openapi()
    [operation] = [
        verbs[verb.lower()]
        for said, verbs in document["paths"].items()
        if verb.lower() in verbs and _template(said) == f"/{path}"
    ]
    kind = inspect.type_info(SHAPES[known])
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            schema = response["content"]["application/json"]["schema"]
            yield from _refused(kind, schema, document["components"]["schemas"], known)


def _template(path: str) -> str:
    return "/".join("{}" if part.startswith("{") and part.endswith("}") else part for part in path.split("/"))


def _refused(
    kind: inspect.Type, schema: dict[str, Any], schemas: dict[str, Any], place: str
) -> Iterator[str]:
    """What of the schema the type does not take."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if isinstance(kind, inspect.AnyType) or schema.get("x-described-elsewhere"):
        return
    if several := [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())]:
        for one in several:
            yield from _refused(kind, one, schemas, place)
        return
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    said = schema["type"]
    if said == "array":
        [listed] = [one for one in kinds if isinstance(one, inspect.ListType)]
        yield from _refused(listed.item_type, schema["items"], schemas, f"{place}[]")
    elif said == "object":
        [within] = [one for one in kinds if isinstance(one, inspect.StructType | inspect.DictType)]
        yield from _refused_within(within, schema, schemas, place)
    elif not any(_takes(one, schema) for one in kinds):
        yield f"{place} {said}"


def _takes(kind: inspect.Type, schema: dict[str, Any]) -> bool:
    if schema["type"] in KINDS:
        return isinstance(kind, KINDS[schema["type"]])
    if isinstance(kind, inspect.DateType):
        return schema.get("format") == "date"
    if isinstance(kind, inspect.DateTimeType):
        return schema.get("format") == "date-time"
    wanted = [schema_ for known, schema_ in FORMATS if known == kind]
    return isinstance(kind, inspect.StrType) and all(one.items() <= schema.items() for one in wanted)


def _refused_within(
    kind: inspect.StructType | inspect.DictType, schema: dict[str, Any], schemas: dict[str, Any], place: str
) -> Iterator[str]:
    if isinstance(kind, inspect.DictType):
        yield from _refused(kind.value_type, schema["additionalProperties"], schemas, f"{place}.*")
        return
    for one in kind.fields:
        name = one.encode_name
        if one.required and name not in schema.get("required", ()):
            yield f"{place}.{name} absent"
        if name in schema["properties"]:
            yield from _refused(one.type, schema["properties"][name], schemas, f"{place}.{name}")


def test_what_no_page_shows_has_no_shape() -> None:
    assert misfit("GET rating/v1/me", {"anything": 1}) == ""
    assert msgspec.json.schema(Number)["pattern"].replace(r"\Z", "$") == DECIMAL["pattern"]
