"""Money in whole minor units, the one place where an exact amount becomes money, and the one way to split
it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final, Literal

import msgspec
from iso4217 import Currency as IsoCurrency

from shared.errors import AppError
from shared.values.decimals import EXACT, ROUNDED

PART_DECIMALS_MAX: Final = 60
"""Decimals of a part of an exact amount: those of a quantity and of what a unit costs at most."""
Rest = Literal["largest_remainder", "last"]


class Rounding(StrEnum):
    """How a tie or a rest is rounded. Ties of half_up go away from zero; up and down are away from and
    towards zero."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    HALF_DOWN = "half_down"
    UP = "up"
    DOWN = "down"
    CEILING = "ceiling"
    FLOOR = "floor"

    def __init__(self, said: str) -> None:
        self.decimal_mode = f"ROUND_{said.upper()}"


#: What a column of money holds, in minor units.
MINOR_MAX: Final = 2**63 - 1


class UnknownCurrency(AppError):
    """A currency is an ISO 4217 code with minor units, such as USD or JPY."""


class AmountNotOfCurrency(AppError):
    """An amount has at most the decimals of its currency, and 18 digits."""


class NothingToAllocateTo(AppError):
    """An amount is split over weights that are not negative and not all zero."""


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency; `exponent` is its number of decimals: USD 2, JPY 0, KWD 3."""

    code: str
    exponent: int


class Money(msgspec.Struct, frozen=True, gc=False):
    """A settled amount: whole minor units of one currency."""

    minor: int
    currency: Currency

    def to_decimal(self) -> Decimal:
        return to_decimal(self.minor, self.currency)

    def __str__(self) -> str:
        return format_minor(self.minor, self.currency)


@lru_cache(maxsize=512)
def currency(code: str) -> Currency:
    """Return the currency of an ISO 4217 code. Raises UnknownCurrency, also for codes without minor units
    (XAU)."""
    try:
        found = IsoCurrency(code)
    except ValueError:
        raise UnknownCurrency(
            f"{code[:10]!r} is not an ISO 4217 code; use one such as USD, EUR or JPY."
        ) from None
    if found.exponent is None:
        raise UnknownCurrency(f"{code} has no minor units and cannot be invoiced.")
    return Currency(found.code, found.exponent)


@cache
def currencies() -> tuple[Currency, ...]:
    """All that have minor units."""
    return tuple([Currency(one.code, one.exponent) for one in IsoCurrency if one.exponent is not None])


def round_to(exact: Decimal, scale: int, mode: Rounding) -> Decimal:
    """Return `exact` with `scale` decimals. The only rounding in the code base; meters and lines both call
    it."""
    return exact.quantize(_unit(scale), mode.decimal_mode, _SETTLING)


def round_quotient(exact: Decimal, by: Decimal, scale: int, mode: Rounding) -> Decimal:
    """Return `exact` ÷ `by` with `scale` decimals; the quotient is rounded once."""
    return round_to(_DIVIDING.divide(exact, by), scale, mode)


def round_to_step(exact: Decimal, step: Decimal, mode: Rounding) -> Decimal:
    """Return the multiple of `step` that `exact` is rounded to."""
    return round_quotient(exact, step, 0, mode) * step


@lru_cache(maxsize=64)
def _unit(scale: int) -> Decimal:
    return Decimal(1).scaleb(-scale)


def to_minor(exact: Decimal, to: Currency, mode: Rounding) -> int:
    """Round an exact amount to whole minor units."""
    return int(round_to(exact, to.exponent, mode).scaleb(to.exponent, _SETTLING))


def exactly(amount: Decimal, of: Currency) -> int:
    """Return an amount that somebody names in minor units; nothing is rounded. Raises AmountNotOfCurrency."""
    minor = amount.scaleb(of.exponent, _SETTLING)
    if minor != int(minor) or abs(minor) > MINOR_MAX:
        raise AmountNotOfCurrency(
            f"{format(amount, 'f')} is no amount of {of.code}, which has {of.exponent} decimals; write no more, and at most "
            f"{format_minor(MINOR_MAX, of)}"
        )
    return int(minor)


def settle(exact: Decimal, to: Currency, mode: Rounding) -> Money:
    """Return an exact amount as money, rounded to whole minor units."""
    return Money(to_minor(exact, to, mode), to)


def share(amount: Decimal, part: int, whole: int) -> Decimal:
    """Return amount × part ÷ whole: exact when nothing is divided, else to 50 digits, far below any minor
    unit."""
    assert part >= 0 and whole > 0, f"{part} of {whole}"
    if part == whole:
        return amount
    return ROUNDED.divide(EXACT.multiply(amount, Decimal(part)), Decimal(whole))


def part_of(amount: Decimal, rate: Decimal) -> Decimal:
    """Return amount × rate; what is finer than 60 decimals, as no price × quantity is, is rounded half up."""
    exact = _FINER.multiply(amount, rate)
    written = str(exact)
    if len(written) <= PART_DECIMALS_MAX and "E" not in written:  # too short to have more decimals
        return exact
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    return exact if exponent >= -PART_DECIMALS_MAX else round_to(exact, PART_DECIMALS_MAX, Rounding.HALF_UP)


def allocate(minor: int, weights: Sequence[Decimal | int], rest: Rest = "largest_remainder") -> list[int]:
    """Split whole minor units by weight so that the parts sum to the whole. What is left of whole units goes, one
    each, to the parts with the largest remainders (a tie goes to the earlier part), or to the last that has a weight.

    Raises NothingToAllocateTo when a weight is negative or all are zero.
    """
    total = sum((Fraction(weight) for weight in weights), Fraction(0))
    if total <= 0 or any(weight < 0 for weight in weights):
        raise NothingToAllocateTo(f"{minor} cannot be split over the weights {list(map(str, weights[:10]))}.")
    sign, units = (-1 if minor < 0 else 1), abs(minor)
    exact = [units * Fraction(weight) / total for weight in weights]
    parts = [int(part) for part in exact]
    if rest == "last":
        parts[max(index for index, part in enumerate(exact) if part or not units)] += units - sum(parts)
    by_rest = sorted(range(len(exact)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_rest[: units - sum(parts)]:
        parts[index] += 1
    return [sign * part for part in parts]


def to_decimal(minor: int, of: Currency) -> Decimal:
    """Return minor units as a decimal with the currency's decimals."""
    return Decimal(minor).scaleb(-of.exponent, _SETTLING)


def format_minor(minor: int, of: Currency) -> str:
    """Return minor units as a decimal string in the currency's exponent: "611550.00", JPY "1000000"."""
    return format(to_decimal(minor, of), "f")


# As many digits as an exact amount may have, times those of a percentage.
_FINER = EXACT.copy()
_FINER.prec = 2 * EXACT.prec
# Where the quotient of exact amounts is no tie, its digits show it.
_DIVIDING = _FINER.copy()
_DIVIDING.clear_traps()
# A settlement rounds by intent, from as many digits as an exact amount may have.
_SETTLING = EXACT.copy()
_SETTLING.clear_traps()
for _fault in ROUNDED.traps:
    _SETTLING.traps[_fault] = ROUNDED.traps[_fault]
