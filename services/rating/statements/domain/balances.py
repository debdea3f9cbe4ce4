"""Balances as they are stored: a list of rows, in an order of their own, so that equal balances are equal JSON.

units below zero   [line key, [[dimension, value], …], units]
units rolled over  {"row": "rolled_over", "line": line key, "units": units}
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shared.pricing.balances import EMPTY, Balances, UnitsBelowZero, UnitsRolledOver
from shared.values.decimals import plain


def to_stored(balances: Balances) -> list[Any]:
    return [
        *sorted(
            [row.line_key, [list(pair) for pair in row.group], plain(row.units)]
            for row in balances.below_zero
        ),
        *(
            {"row": "rolled_over", "line": row.line_key, "units": plain(row.units)}
            for row in sorted(balances.rolled_over)
        ),
    ]


def from_stored(stored: Sequence[Any]) -> Balances:
    if not stored:
        return EMPTY
    named = [row for row in stored if isinstance(row, dict)]
    return Balances(
        below_zero=tuple(
            UnitsBelowZero(key, tuple((name, value) for name, value in group), Decimal(units))
            for key, group, units in (row for row in stored if isinstance(row, list))
        ),
        rolled_over=tuple(
            UnitsRolledOver(row["line"], Decimal(row["units"]))
            for row in named
            if row["row"] == "rolled_over"
        ),
    )
