"""Expected and got, compared by value: numbers whatever they are written as."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

Difference = dict[str, tuple[Any, Any]]


def differences(expected: dict[str, Any], got: dict[str, Any]) -> Difference:
    """Return key → (expected, got) of each expected key that differs; what was not answered is None."""
    return {
        key: (value, got.get(key))
        for key, value in expected.items()
        if key not in got or comparable(got[key]) != comparable(value)
    }


def comparable(value: object) -> object:
    """A value with each number in it as a fraction; "a/b" is one."""
    if isinstance(value, dict):
        return {str(key): comparable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal | Fraction):
        return Fraction(value)
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return value
