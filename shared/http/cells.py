"""Rows of a list as lines of CSV (RFC 4180), with columns taken from the schema of their answer.

A part of an object is a column of its own (`period.start`), a list or a map is one cell of JSON. A number is written as
it is; a text stands in quotation marks and is never a formula to a spreadsheet; an instant is in the zone that the
head names. Rows are written column by column: what is alike in many of them is written once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from shared.http.answers import DECIMAL, Answer, Listed
from shared.http.page import Cells

#: What a spreadsheet takes for the beginning of a formula, in both widths, and what it skips before one.
FORMULA: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
_NUMBERS: Final = frozenset({"integer", "number"})
CSV: Final = "text/csv"
LINE_END: Final = "\r\n"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """Where a row has it, and how it is written; `of_zone`: its head names the zone; `repeats`: what is alike is written
    alike, once."""

    path: tuple[str, ...]
    write: Callable[[Any, ZoneInfo], str]
    of_zone: bool = False
    repeats: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def head(self, zone: ZoneInfo) -> str:
        return text(f"{self.name} ({zone.key})" if self.of_zone else self.name)

    def cells(self, values: Sequence[Any], zone: ZoneInfo) -> Sequence[str]:
        """A cell a value; empty where there is none."""
        if values.count(None) == len(values):
            return [""] * len(values)
        write = self.write
        if self.repeats:
            written = {value: "" if value is None else write(value, zone) for value in set(values)}
            return [written[value] for value in values]
        return ["" if value is None else write(value, zone) for value in values]

    def values(self, rows: Sequence[Row], *, are_cells: bool) -> Sequence[object]:
        """What rows of JSON, or of cells, have there; None where a row has nothing."""
        if are_cells:
            name = self.name
            return [row.get(name) for row in rows]
        return [self._within(row) for row in rows]

    def _within(self, row: Row) -> object:
        value: Any = row
        for part in self.path:
            value = value.get(part)
            if value is None:
                return None
        return value


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
    columns = ", ".join(column.name for column in columns_of(answer))
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


def lines_of(rows: Iterable[Row], columns: Sequence[Column], zone: ZoneInfo) -> str:
    """A line a row, as JSON has it, or as its cells."""
    lines: list[str] = []
    for are_cells, alike in groupby(rows, key=lambda row: isinstance(row, Cells)):
        found = list(alike)
        cells = [column.cells(column.values(found, are_cells=are_cells), zone) for column in columns]
        lines += [",".join(line) for line in zip(*cells, strict=True)]
    return "".join([f"{line}{LINE_END}" for line in lines])


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
        yield Column(path, _instant, of_zone=True, repeats=True)
    elif said.get("type") in _NUMBERS or said.get("pattern") == DECIMAL["pattern"]:
        yield Column(path, _number)
    elif said.get("type") == "string":
        yield Column(path, _text, repeats=True)
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


def _instant(value: str | datetime, zone: ZoneInfo) -> str:
    """As a spreadsheet reads it. Where a clock is set back an hour comes twice: there the offset is said."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    local = at.astimezone(zone)
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return (local if twice else local.replace(tzinfo=None)).isoformat(" ")
