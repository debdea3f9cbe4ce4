"""Values of an event's `data` as meters read them. A JSON number with a point or an exponent stays its
literal text: never a float.

Long texts stand as their hash, so that no key outgrows an index page.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from shared.errors import AppError
from shared.values.decimals import (
    QUANTITY_INTEGER_DIGITS_MAX,
    parse_quantity,
    plain,
    quantity_from_json_number,
)
from shared.values.names import dimension_value

_INTEGER_LIMIT = 10**QUANTITY_INTEGER_DIGITS_MAX
_CACHED_MAX = 20_000


class Literal(str):
    """The text of a JSON number that is not a plain integer."""

    __slots__ = ()


def quantity_of(value: Any) -> Decimal | None:
    """Return the number (or the number in a string), None where it cannot be read: absent, empty, not a
    number, out of bounds."""
    kind = type(value)
    if kind is int:
        return Decimal(value) if -_INTEGER_LIMIT < value < _INTEGER_LIMIT else None
    if kind is Literal:
        return _number(str(value))
    return _decimal(value) if kind is str else None


def item_of(value: Any) -> str | None:
    """Return what a unique meter counts: a text, number or boolean as text; None where absent, empty or not a
    scalar."""
    return label_of(value) or None


def label_of(value: Any) -> str:
    """Return a dimension's value as text; "" where absent or not a scalar."""
    kind = type(value)
    if kind is str:
        return dimension_value(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return dimension_value(str(value))
    if kind is Literal:
        number = _number(str(value))
        return plain(number) if number is not None else dimension_value(str(value))
    return ""


@lru_cache(_CACHED_MAX)
def _number(literal: str) -> Decimal | None:
    try:
        return quantity_from_json_number(literal)
    except AppError:
        return None


@lru_cache(_CACHED_MAX)
def _decimal(text: str) -> Decimal | None:
    try:
        return parse_quantity(text)
    except AppError:
        return None
