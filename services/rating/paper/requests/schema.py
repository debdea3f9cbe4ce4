"""The schema of a question."""

from collections.abc import Mapping
from typing import Any

from services.rating.paper.requests import documents
from shared.http.documented import COMPONENTS


def question_schema() -> dict[str, Any]:
    """Return the JSON Schema of a question for the API's document, which has that of a meter already."""
    schema = documents.QuestionDocument.model_json_schema(ref_template=f"{COMPONENTS}{{model}}")
    own = {
        f"{COMPONENTS}{name}": definition
        for name, definition in schema["$defs"].items()
        if getattr(getattr(documents, name, None), "__module__", None) == documents.__name__
    }
    properties: dict[str, Any] = _inlined(schema["properties"], own)
    properties["versions"]["items"]["description"] = (
        "A terms document, whose schema is GET /v1/contracts/schema, with `recorded` where it was not known at once"
    )
    kept = {key: value for key, value in schema.items() if key != "$defs"}
    return {**kept, "title": "Question", "properties": properties}


def _inlined(part: object, own: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON in, JSON out
    """A schema with `own` definitions in the place of references to them, and titles left to objects of ours."""
    if isinstance(part, list):
        return [_inlined(one, own) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("$ref") in own:
        definition = own[part["$ref"]]
        return {**_inlined(definition, own), "title": definition["title"]}
    return {
        key: _inlined(value, own)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str))
    }
