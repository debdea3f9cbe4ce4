"""What the types of the language say of its documents: which members a union offers, under which names.

A price model, a kind of line or of milestone is registered in its union alone; whoever asks for a list of
them asks here.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

M = TypeVar("M", bound=BaseModel)


def members(union: object, kind: type[M]) -> dict[str, type[M]]:
    """Tag → member of a discriminated union, in the order it is written in; each is of this kind."""
    alternatives, *marks = get_args(union)
    key = next((mark.discriminator for mark in marks if isinstance(mark, FieldInfo)), None)
    found = dict(_tagged(one, key) for one in get_args(alternatives))
    assert all(issubclass(member, kind) for member in found.values())
    return found


def _tagged(one: Any, key: object) -> tuple[str, Any]:
    if isinstance(key, str):
        return get_args(one.model_fields[key].annotation)[0], one
    member, *marks = get_args(one)
    return next(mark.tag for mark in marks if isinstance(mark, Tag)), member


@cache
def tags_of(document: type[BaseModel]) -> frozenset[str]:
    """Return the tags of all discriminated unions in a kind of document: those by which it is validated."""
    return frozenset(_tags(document.__pydantic_core_schema__))


def _tags(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if schema.get("type") == "tagged-union":
            yield from schema["choices"]
        schema = schema.values()
    elif not isinstance(schema, list | tuple):
        return
    for part in schema:
        yield from _tags(part)


@cache
def keyed_sections(document: type[BaseModel]) -> tuple[tuple[str, ...], ...]:
    """Return the paths of a kind of document's lists whose items are named by a `key`."""
    return tuple(_keyed(document))


def _keyed(document: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in document.model_fields.items():
        below = list(_models(field.annotation))
        if get_origin(field.annotation) is tuple:
            if any("key" in item.model_fields for item in below):
                yield (name,)
        else:
            yield from ((name, *path) for model in below for path in _keyed(model))


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
