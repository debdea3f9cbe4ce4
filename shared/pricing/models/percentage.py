"""Percentage."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from shared.pricing.escalator import Raise
from shared.pricing.fields import UnitPrice
from shared.pricing.models.model import ByTotal, Part


class Percentage(ByTotal):
    """A share of the value that the meter adds up, such as of amounts paid; `rate` is in percent."""

    example: ClassVar[Mapping[str, Any]] = {"model": "percentage", "rate": "1.3"}

    model: Literal["percentage"]
    rate: UnitPrice

    def escalated(self, price_now: Raise) -> Self:
        return self.having(rate=price_now(self.rate))

    def cost(self, quantity: Decimal) -> Decimal:
        return quantity * of_one(self.rate)

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return (Part(quantity, self.cost(quantity), quantity, of_one(self.rate)),)


def of_one(rate: Decimal) -> Decimal:
    """Return what a rate in percent takes of each unit of value."""
    return rate.scaleb(-2)
