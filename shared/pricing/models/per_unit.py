"""Per unit."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

from shared.pricing.fields import UnitPrice
from shared.pricing.models.model import ByTotal, Part


class PerUnit(ByTotal):
    """Every unit costs the same."""

    example: ClassVar[Mapping[str, Any]] = {"model": "per_unit", "unit": "0.0008"}

    model: Literal["per_unit"]
    unit: UnitPrice

    def cost(self, quantity: Decimal) -> Decimal:
        return quantity * self.unit

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return (Part(quantity, self.cost(quantity), quantity, self.unit),)
