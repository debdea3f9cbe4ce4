"""Where a value lies on a picture. Coordinates are no money: they are divided and cut as the picture needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.values.decimals import ROUNDED

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` to `high` over the units from `start` to `end`; zero is always within."""

    low: Decimal
    high: Decimal
    start: int
    end: int

    def at(self, value: Decimal) -> Decimal:
        """Where the value lies; all values alike where there is only one."""
        if self.low == self.high:
            return Decimal(self.start)
        share = ROUNDED.divide(ROUNDED.subtract(value, self.low), ROUNDED.subtract(self.high, self.low))
        return ROUNDED.add(Decimal(self.start), ROUNDED.multiply(share, Decimal(self.end - self.start)))

    @property
    def zero(self) -> Decimal:
        return self.at(ZERO)


def scale_over(values: Iterable[Decimal | None], start: int, end: int) -> Scale:
    """The scale on which all these values and zero have a place."""
    known = [ZERO, *(value for value in values if value is not None)]
    return Scale(min(known), max(known), start, end)


def place(index: int, count: int, start: int, end: int) -> Decimal:
    """The middle of the field of one of `count` that share the way from `start` to `end`."""
    return ROUNDED.add(
        Decimal(start), ROUNDED.divide(Decimal((2 * index + 1) * (end - start)), Decimal(2 * max(count, 1)))
    )
