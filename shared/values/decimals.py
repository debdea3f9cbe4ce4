"""Decimals from outside, read behind a bounded pattern, and the two contexts in which this code base does
arithmetic.

A decimal is matched *before* `Decimal()` sees it: `Decimal("1e1000000")` costs half a minute once it is used.
"""

import decimal
import re
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final

from shared.errors import AppError

PRECISION: Final = 50
# Worker threads copy DefaultContext; without this they would compute with 28 digits.
decimal.DefaultContext.prec = PRECISION
decimal.getcontext().prec = PRECISION

_FAULTS = [InvalidOperation, DivisionByZero, Overflow]
# Where a rounding is meant: a division by days, a settlement.
ROUNDED: Final = Context(prec=PRECISION, traps=list(_FAULTS))
# Where exactness is claimed: a digit that does not fit raises. 31 digits of quantity times 39 of price need
# 70.
EXACT: Final = Context(prec=100, traps=[*_FAULTS, Inexact])

QUANTITY_INTEGER_DIGITS_MAX: Final = 19
QUANTITY_FRACTION_DIGITS_MAX: Final = 12
PRICE_FRACTION_DIGITS_MAX: Final = 20
_LITERAL_CHARACTERS_MAX = 64

QUANTITY_PATTERN: Final = (
    rf"[+-]?[0-9]{{1,{QUANTITY_INTEGER_DIGITS_MAX}}}(\.[0-9]{{1,{QUANTITY_FRACTION_DIGITS_MAX}}})?"
)
PRICE_PATTERN: Final = (
    rf"-?[0-9]{{1,{QUANTITY_INTEGER_DIGITS_MAX}}}(\.[0-9]{{1,{PRICE_FRACTION_DIGITS_MAX}}})?"
)
_QUANTITY = re.compile(QUANTITY_PATTERN, re.ASCII)
_PRICE = re.compile(PRICE_PATTERN, re.ASCII)
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE](?P<exponent>[+-]?[0-9]+))?", re.ASCII)


class QuantityUnreadable(AppError):
    """A quantity is a plain decimal number."""


class QuantityOutOfBounds(AppError):
    """A quantity has at most 19 integer digits and 12 decimals."""


class PriceUnreadable(AppError):
    """A price is a plain decimal number with at most 19 integer digits and 20 decimals."""


def parse_quantity(text: str) -> Decimal:
    """Return the quantity written in `text`: an optional sign, up to 19 integer digits and 12 decimals.

    Raises QuantityUnreadable for what is not a plain number (NaN, exponents, other scripts' digits) and
    QuantityOutOfBounds for one with too many digits.
    """
    if _QUANTITY.fullmatch(text):
        return Decimal(text)
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text[:_LITERAL_CHARACTERS_MAX], re.ASCII):
        raise QuantityOutOfBounds(
            f"{_shown(text)} has more than 19 integer digits or 12 decimals; send fewer digits or a larger unit."
        )
    raise QuantityUnreadable(
        f"{_shown(text)} is not a plain decimal number; send at most {QUANTITY_INTEGER_DIGITS_MAX} integer digits with an "
        'optional sign and point, such as "12.5".'
    )


def quantity_from_json_number(text: str) -> Decimal:
    """Return the quantity of a JSON number literal, exponent included, read from its text and never through a
    float.

    Same bounds and errors as `parse_quantity`; trailing zeros do not count. 1e400 is refused before any
    arithmetic.
    """
    match = _JSON_NUMBER.fullmatch(text) if len(text) <= _LITERAL_CHARACTERS_MAX else None
    if match is None:
        raise QuantityUnreadable(
            f"{_shown(text)} is not a JSON number of at most {_LITERAL_CHARACTERS_MAX} characters."
        )
    exponent = match["exponent"] or "0"
    if len(exponent.lstrip("+-").lstrip("0")) > 2:
        raise QuantityOutOfBounds(
            f"{_shown(text)} is out of bounds: a quantity has at most 19 integer digits and 12 decimals."
        )
    return _bounded(Decimal(text), text)


def parse_price(text: str) -> Decimal:
    """Return the price or amount written in `text`: up to 19 integer digits and 20 decimals. Raises
    PriceUnreadable."""
    if _PRICE.fullmatch(text):
        return Decimal(text)
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text[:_LITERAL_CHARACTERS_MAX], re.ASCII):
        raise PriceUnreadable(
            f"{_shown(text)} has more than {QUANTITY_INTEGER_DIGITS_MAX} integer digits or "
            f"{PRICE_FRACTION_DIGITS_MAX} decimals; write fewer digits, or the price of a larger unit."
        )
    raise PriceUnreadable(
        f"{_shown(text)} is not a plain decimal number with at most {QUANTITY_INTEGER_DIGITS_MAX} integer digits and "
        f'{PRICE_FRACTION_DIGITS_MAX} decimals, such as "0.0008".'
    )


def plain(number: Decimal) -> str:
    """Return the number without exponent and trailing zeros: "1000", "0.5", "0"."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _bounded(number: Decimal, text: str) -> Decimal:
    digits = plain(number).lstrip("-") if number else "0"
    whole, _, fraction = digits.partition(".")
    if len(whole) > QUANTITY_INTEGER_DIGITS_MAX or len(fraction) > QUANTITY_FRACTION_DIGITS_MAX:
        raise QuantityOutOfBounds(
            f"{_shown(text)} is out of bounds: a quantity has at most 19 integer digits and 12 decimals."
        )
    return Decimal(digits) if number >= 0 else -Decimal(digits)


def _shown(text: str) -> str:
    """The start of the text, fit for a log line and an answer."""
    return ascii(text if len(text) <= 40 else text[:40] + "…")
