"""Balances as they are stored: [[line key, [[dimension, value], …], units], …], sorted, so that equal
balances are equal JSON."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shared.pricing.balances import EMPTY, Balances, UnitsBelowZero
from shared.values.decimals import plain


def to_stored(balances: Balances) -> list[Any]:
    return sorted(
        [row.line_key, [list(pair) for pair in row.group], plain(row.units)] for row in balances.below_zero
    )


def from_stored(stored: Sequence[Any]) -> Balances:
    if not stored:
        return EMPTY
    return Balances(
        tuple(
            UnitsBelowZero(key, tuple((name, value) for name, value in group), Decimal(units))
            for key, group, units in stored
        )
    )
