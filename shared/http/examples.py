"""Examples in the OpenAPI documents: answers of a running system, kept beside the service as JSON, or made
from the answer's schema."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

#: An example as text: FastAPI leaves the nulls out of every value of a document.
KEPT = "x-example"
BY_FORMAT: dict[str, Any] = {
    "date-time": "2024-02-01T00:00:00Z",
    "date": "2024-01-31",
    "uri": "https://example.com/",
    "uuid": "3b8d3c91-f712-56a8-84e8-c987dbb9311a",
}
BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": False}


def example(folder: Path, name: str) -> object:
    """Return the example `name` of a service's folder `examples`."""
    return msgspec.json.decode((folder / "examples" / f"{name}.json").read_bytes())


def answers_with(folder: Path, name: str, **also: object) -> dict[int | str, dict[str, Any]]:
    """Return `responses` of a route that answers 200 as the example does; `also`: further content types."""
    return {
        200: {
            "content": {
                "application/json": {KEPT: msgspec.json.encode(example(folder, name)).decode()},
                **also,
            }
        }
    }


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The document with an example of each answer that has none of its own, made from the answer's schema."""
    schemas = document.get("components", {}).get("schemas", {})
    for verbs in document["paths"].values():
        for operation in verbs.values():
            for status, response in operation.get("responses", {}).items():
                content = response.get("content", {}).get("application/json")
                if content and KEPT in content:
                    content["example"] = msgspec.json.decode(content.pop(KEPT))
                elif status.startswith("2") and content and content.get("schema"):
                    content["example"] = example_of(content["schema"], schemas)
    return document


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value that fits the schema: its own example where it has one, else made of those of its parts."""
    if "$ref" in schema and "examples" not in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema and "examples" not in schema:
            return example_of(schema[kind][0], schemas)
    if "examples" in schema or "const" in schema or "enum" in schema:
        return (
            schema["examples"][0]
            if "examples" in schema
            else schema["const"]
            if "const" in schema
            else schema["enum"][0]
        )
    if schema.get("type") == "object":
        return {name: example_of(one, schemas) for name, one in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return (
            [example_of(schema["items"], schemas)]
            if schema.get("items") and schema.get("maxItems") != 0
            else []
        )
    return BY_FORMAT.get(schema.get("format", "")) or BY_TYPE.get(schema.get("type", ""))
