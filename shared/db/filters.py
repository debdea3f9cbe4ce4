"""What a list was asked for, as SQL: the conditions that apply, by the names of a filter's fields, and their
parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: So far rows are counted; where there are more, that is all that is said.
COUNTED_MAX: Final = 10_000
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Where:
    """An expression for WHERE, and the values of its $1, $2, …"""

    sql: str = "true"
    parameters: tuple[object, ...] = ()

    def also(self, condition: str, *values: object) -> "Where":
        """The same with one more condition, which has `{}` or `{0}`, `{1}`, … for its values. Where one of
        them is None it narrows nothing."""
        if any(value is None for value in values):
            return self
        first = len(self.parameters) + 1
        numbered = condition.format(*(f"${first + place}" for place in range(len(values))))
        return Where(f"{self.sql} and {numbered}", (*self.parameters, *values))

    def given(self, value: object) -> tuple["Where", str]:
        """The same with one more value, which the statement uses elsewhere, and its number."""
        return Where(self.sql, (*self.parameters, value)), f"${len(self.parameters) + 1}"


def narrowed(
    asked: "DataclassInstance",
    conditions: Mapping[str, str] = _NONE,
    table: str = "",
    following: Where = Where(),
) -> Where:
    """The conditions of `asked`, a filter: each field that is not None must equal the column of its name (of
    `table`), or fit what `conditions` says of it, with `{}` for its value; where it says "", nothing is asked.

    `following`: another expression of the same statement, whose parameters come first.
    """
    where, of = Where(parameters=following.parameters), f"{table}." if table else ""
    for field in fields(asked):
        condition = conditions.get(field.name, f"{of}{field.name} = {{}}")
        where = where.also(condition, getattr(asked, field.name)) if condition else where
    return where
