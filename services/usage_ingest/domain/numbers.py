"""Numbers of an event, read from their literal text and written in one way: 1.0 = 1 = 1e0. Nothing passes
through a float."""

from decimal import Decimal
from typing import Final

import msgspec

from services.usage_ingest.domain.limits import EXPONENT_MAX_DIGITS, NUMBER_MAX_CHARACTERS

INTEGER_LIMIT: Final = 10**NUMBER_MAX_CHARACTERS
Number = int | msgspec.Raw


class Unfit(str):
    """The literal of a number that is too long or too large to be kept."""


def number_of(literal: str) -> Number | Unfit:
    """Return a JSON number with a point or an exponent: an int, or its plain digits without trailing zeros;
    or Unfit.

    The length and the exponent are looked at before `Decimal` sees the text: 1e1000000 would cost half a
    minute.
    """
    if len(literal) > NUMBER_MAX_CHARACTERS:
        return Unfit(literal)
    mantissa = literal
    if "e" in literal or "E" in literal:
        exponent = literal.lower().partition("e")[2]
        if len(exponent.lstrip("+-").lstrip("0")) > EXPONENT_MAX_DIGITS:
            return Unfit(literal)
        mantissa = format(Decimal(literal), "f")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    return msgspec.Raw(f"{whole}.{fraction}".encode()) if fraction else int(whole)


def text_of(number: Number) -> str:
    """The plain digits of a number: "1000", "0.5", "-12"."""
    return str(number) if isinstance(number, int) else bytes(number).decode("ascii")
