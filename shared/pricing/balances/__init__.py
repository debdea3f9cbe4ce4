"""What one period hands to the next: one file a kind of row. To add one: its file, and its name among the rows here
and in what is stored of them (`services/rating/statements/domain/balances.py`)."""

from dataclasses import dataclass

from shared.pricing.balances.units_below_zero import UnitsBelowZero


@dataclass(frozen=True, slots=True)
class Balances:
    """The rows that open a period, or close it."""

    below_zero: tuple[UnitsBelowZero, ...] = ()


EMPTY = Balances()

__all__ = ["EMPTY", "Balances", "UnitsBelowZero"]
