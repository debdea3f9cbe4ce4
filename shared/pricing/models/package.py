"""Packages."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from shared.pricing.escalator import Raise
from shared.pricing.fields import PositiveQuantity, UnitPrice
from shared.pricing.models.model import ByTotal, Part


class Package(ByTotal):
    """Units are sold in whole packs; a started pack is a sold pack, or with `partial_pack: down` a free
    one."""

    example: ClassVar[Mapping[str, Any]] = {"model": "package", "size": "100", "price": "9.00"}

    model: Literal["package"]
    size: PositiveQuantity
    price: UnitPrice
    partial_pack: Literal["up", "down"] = "up"

    def escalated(self, price_now: Raise) -> Self:
        return self.having(price=price_now(self.price))

    def cost(self, quantity: Decimal) -> Decimal:
        return self.packs(quantity) * self.price

    def packs(self, quantity: Decimal) -> Decimal:
        whole, rest = divmod(quantity, self.size)
        return whole + (rest > 0 and self.partial_pack == "up")

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return (
            Part(
                quantity,
                self.cost(quantity),
                self.packs(quantity),
                self.price,
                reach="packs of",
                bound=self.size,
            ),
        )
