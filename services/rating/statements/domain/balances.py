"""Balances as they are stored: [[line key, [[dimension, value], …], units], …], sorted, so that equal
balances are equal JSON."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shared.pricing.inputs import EMPTY, Balances
from shared.values.decimals import plain


def to_stored(balances: Balances) -> list[Any]:
    return sorted(
        [key, [list(pair) for pair in group], plain(units)]
        for (key, group), units in balances.carried.items()
    )


def from_stored(stored: Sequence[Any]) -> Balances:
    if not stored:
        return EMPTY
    return Balances(
        {(key, tuple((name, value) for name, value in group)): Decimal(units) for key, group, units in stored}
    )
