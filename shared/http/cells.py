"""Rows of a list as lines of CSV (RFC 4180), with columns taken from the schema of their answer.

A part of an object is a column of its own (`period.start`), a list or a map is one cell of JSON. A number is written as
it is; a text stands in quotation marks and is never a formula to a spreadsheet; an instant is in the zone that the
head names.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from shared.http.answers import DECIMAL, Answer, Listed

#: What a spreadsheet takes for the beginning of a formula, in both widths, and what it skips before one.
FORMULA: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
_NUMBERS: Final = frozenset({"integer", "number"})
CSV: Final = "text/csv"
LINE_END: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class Column:
    """Where a row has it, and how it is written; `of_zone`: its head names the zone."""

    path: tuple[str, ...]
    write: Callable[[Any, ZoneInfo], str]
    of_zone: bool = False

    def head(self, zone: ZoneInfo) -> str:
        name = ".".join(self.path)
        return text(f"{name} ({zone.key})" if self.of_zone else name)

    def cell(self, row: Mapping[str, Any], zone: ZoneInfo) -> str:
        """Empty where the row has nothing there."""
        value: Any = row
        for part in self.path:
            value = value.get(part)
            if value is None:
                return ""
        return self.write(value, zone)


def columns_of(answer: type[Answer]) -> tuple[Column, ...]:
    """The columns of an answer's class, in the order of its fields."""
    schema = TypeAdapter(answer).json_schema(mode="serialization")
    return tuple(_columns(schema, schema.get("$defs", {}), (), frozenset()))


def listed_by(route: APIRoute) -> type[Answer] | None:
    """The answer's class that the route lists; None where it is no list."""
    if get_origin(route.response_model) is not Listed:
        return None
    found: type[Answer]
    (found,) = get_args(route.response_model)
    return found


def documented_csv(answer: type[Answer]) -> dict[str, Any]:
    """What the document of a list of such answers says of its CSV."""
    columns = ", ".join(".".join(column.path) for column in columns_of(answer))
    return {
        "schema": {
            "type": "string",
            "description": f"The whole list, streamed; it takes neither limit nor cursor nor count. Columns: {columns}. "
            "Instants are in UTC, or in the zone of `Accept: text/csv; zone=America/New_York`; the head names it",
        }
    }


def head_of(columns: Sequence[Column], zone: ZoneInfo) -> str:
    """The first line."""
    return ",".join(column.head(zone) for column in columns) + LINE_END


def lines_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], zone: ZoneInfo) -> str:
    """A line a row, as JSON has it."""
    return "".join(",".join(column.cell(row, zone) for column in columns) + LINE_END for row in rows)


def text(value: str) -> str:
    """A text as a cell, inert: what could be a formula gets an apostrophe."""
    inert = f"'{value}" if value.startswith(FORMULA) else value
    return '"' + inert.replace('"', '""') + '"'


def _columns(
    schema: Mapping[str, Any], defs: Mapping[str, Any], path: tuple[str, ...], within: frozenset[str]
) -> Iterable[Column]:
    """`within`: the objects that this is a part of; one within itself is a cell."""
    said = _plain(schema, defs)
    reference = _reference(schema)
    if said.get("properties") and reference not in within:
        below = within | {reference} if reference else within
        for name, part in said["properties"].items():
            if "const" not in part:
                yield from _columns(part, defs, (*path, name), below)
    elif said.get("format") == "date-time":
        yield Column(path, _instant, of_zone=True)
    elif said.get("type") in _NUMBERS or said.get("pattern") == DECIMAL["pattern"]:
        yield Column(path, _number)
    elif said.get("type") == "string":
        yield Column(path, _text)
    else:
        yield Column(path, _json)


def _plain(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is referred to, without its null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return _plain(kinds[0], defs)
    reference = schema.get("$ref")
    return _plain(defs[_name(reference)], defs) if reference else schema


def _reference(schema: Mapping[str, Any]) -> str:
    found = [one["$ref"] for one in (schema, *schema.get("anyOf", [])) if "$ref" in one]
    return _name(found[0]) if len(found) == 1 else ""


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _text(value: str, _zone: ZoneInfo) -> str:
    return text(value)


def _number(value: object, _zone: ZoneInfo) -> str:
    return str(value)


def _json(value: object, _zone: ZoneInfo) -> str:
    """JSON's own numbers, true and false as they are; anything else is text."""
    written = msgspec.json.encode(value).decode()
    return written if isinstance(value, bool | int | float) else text(written)


def _instant(value: str, zone: ZoneInfo) -> str:
    """As a spreadsheet reads it. Where a clock is set back an hour comes twice: there the offset is said."""
    local = datetime.fromisoformat(value).astimezone(zone)
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return (local if twice else local.replace(tzinfo=None)).isoformat(" ")
