"""How far a share that was counted may lie from the true one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

PLACES: Final = Decimal("0.0001")
#: 95 % of a normal distribution lie within so many standard deviations.
Z: Final = Decimal("1.959963984540054")


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends within [0, 1]."""

    low: Decimal
    high: Decimal


def share(part: int, whole: int) -> Decimal | None:
    """None where there is nothing to divide by."""
    return (Decimal(part) / whole).quantize(PLACES) if whole else None


def wilson(part: int, whole: int) -> Interval | None:
    """Return Wilson's 95 % interval of a share, which holds for few and for none; None of nothing."""
    if not whole:
        return None
    found, squared = Decimal(part) / whole, Z * Z / whole
    middle = found + squared / 2
    spread = Z * ((found * (1 - found) + squared / 4) / whole).sqrt()
    low, high = (middle - spread) / (1 + squared), (middle + spread) / (1 + squared)
    return Interval(max(low, Decimal()).quantize(PLACES), min(high, Decimal(1)).quantize(PLACES))
