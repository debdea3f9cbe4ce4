"""Writes of many rows in one statement, made from a row class: it states each column and its type once.

    @dataclass(frozen=True, slots=True)
    class ReplicatedCustomer:
        customer_id: str
        revision: int
        aliases: Texts

    CUSTOMERS = upsert("billing.customers", ReplicatedCustomer, key=("customer_id",), newer_by="revision")
    await connection.execute(CUSTOMERS.sql, *CUSTOMERS.columns_of(rows))

The text is made once, at import, and sends one array a column. `tests/shared/db/test_columns.py` holds every
row class against `tables.py`, which a running service does not load (ADR 0030).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Generic, Literal, TypeVar, Union, get_args, get_origin

import asyncpg

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R")
D = TypeVar("D", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Pg:
    """The Postgres type of a column. What does not travel as an array of itself is `sent` as another type,
    and `read` back by an expression over the column `{}`."""

    type: str
    sent: str = ""
    read: str = "{}"


JSONB = Pg("jsonb")
Integer = Annotated[int, Pg("integer")]
SmallInteger = Annotated[int, Pg("smallint")]
Uuid = Annotated[str, Pg("uuid")]
Texts = Annotated[Sequence[str], Pg("text[]", "jsonb", "array(select jsonb_array_elements_text({}))")]
"""An array of arrays would have to be rectangular."""

_PLAIN: dict[object, Pg] = {
    str: Pg("text"),
    int: Pg("bigint"),
    bool: Pg("boolean"),
    bytes: Pg("bytea"),
    Decimal: Pg("numeric"),
    date: Pg("date"),
    datetime: Pg("timestamptz"),
}


@dataclass(frozen=True, slots=True)
class Bulk(Generic[R]):
    """A statement over many rows of class `row`, whose fields are columns of `table`."""

    table: str
    row: type[R]
    sql: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    """The columns by which a row is known, of an upsert or update"""

    def columns_of(self, rows: Sequence[R]) -> list[list[object]]:
        """The parameters of `sql`: one list a column, in the order of the fields."""
        return [list(map(attrgetter(name), rows)) for name in self.columns]

    def returning(self, columns: str) -> "Bulk[R]":
        """The same statement, which answers these columns of each row it wrote."""
        return replace(self, sql=f"{self.sql}\nreturning {columns}")


def types_of(row: type) -> dict[str, Pg]:
    """Column → its Postgres type, in the order of the fields; raise TypeError for a field without one."""
    return {field.name: _type_of(row, field.name, field.type) for field in fields(row)}


def names_of(row: type, table: str = "") -> str:
    """The columns that a row class reads, for SELECT: its fields' names, of `table`."""
    return ", ".join(f"{table}.{field.name}" if table else field.name for field in fields(row))


def read(row: type[D], record: asyncpg.Record, **made: object) -> D:
    """The record as its row class, or as another dataclass with fields named like its columns. `made`: the
    fields that are no column as it is."""
    return row(**{name: record[name] for name in _as_they_are(row, tuple(made))}, **made)


@cache
def _as_they_are(row: type, made: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(row) if field.name not in made)


def given(row: type) -> str:
    """A FROM item: the rows as sent, by the name `said`."""
    types = types_of(row)
    arrays = ", ".join(f"${n}::{pg.sent or pg.type}[]" for n, pg in enumerate(types.values(), 1))
    return f"unnest({arrays}) as said ({', '.join(types)})"


def bulk(table: str, row: type[R], sql: str) -> Bulk[R]:
    """A statement of its own words; `{given}` in it stands for the rows, as `given` says."""
    return _bulk(table, row, sql.format(given=given(row)))


def insert(table: str, row: type[R], *, ignore_known: bool = False) -> Bulk[R]:
    """Insert the rows. `ignore_known`: leave out those that break a unique constraint."""
    return _bulk(table, row, _insert(table, row) + ("\non conflict do nothing" if ignore_known else ""))


def upsert(
    table: str,
    row: type[R],
    *,
    key: tuple[str, ...],
    keep: tuple[str, ...] = (),
    newer_by: str = "",
    only: str = "",
) -> Bulk[R]:
    """Insert the rows, and replace those that are there, except for their columns `keep`.

    A row that is there (`known`) is replaced only where its `newer_by` is less than that of the new one
    (`excluded`), and where the condition `only` holds.
    """
    replaced = [f"{name} = excluded.{name}" for name in types_of(row) if name not in (*key, *keep)]
    conditions = [f"known.{newer_by} < excluded.{newer_by}"] if newer_by else []
    sql = (
        f"{_insert(table, row)}\non conflict ({', '.join(key)}) do update set {', '.join(replaced)}"
        f"{_where([*conditions, only] if only else conditions)}"
    )
    return _bulk(table, row, sql, key)


def update(table: str, row: type[R], *, key: tuple[str, ...], also: str = "") -> Bulk[R]:
    """Set the columns that are no key in the rows (`known`) that are there; `also`: further assignments."""
    assigned = [
        f"{name} = {pg.read.format(f'said.{name}')}" for name, pg in types_of(row).items() if name not in key
    ]
    same = [f"known.{name} = said.{name}" for name in key]
    sql = (
        f"update {table} as known set {', '.join([*assigned, also] if also else assigned)}\n"
        f"from {given(row)}{_where(same)}"
    )
    return _bulk(table, row, sql, key)


def _bulk(table: str, row: type[R], sql: str, key: tuple[str, ...] = ()) -> Bulk[R]:
    return Bulk(table, row, sql, tuple(types_of(row)), key)


def _insert(table: str, row: type) -> str:
    types = types_of(row)
    plain = all(pg.read == "{}" for pg in types.values())
    read = "*" if plain else ", ".join(pg.read.format(name) for name, pg in types.items())
    return f"insert into {table} as known ({', '.join(types)})\nselect {read} from {given(row)}"


def _where(conditions: Sequence[str]) -> str:
    return f"\nwhere {' and '.join(conditions)}" if conditions else ""


def _type_of(row: type, name: str, hint: object) -> Pg:
    """The type that an annotation names: `Annotated[…, Pg]`, or plain, each perhaps with `| None`."""
    for part in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        plain = str if get_origin(part) is Literal else part
        said = next((meta for meta in getattr(part, "__metadata__", ()) if isinstance(meta, Pg)), None)
        if found := said or _PLAIN.get(plain):
            return found
    raise TypeError(
        f"{row.__name__}.{name} says no Postgres type; annotate it with one of shared/db/columns.py"
    )
