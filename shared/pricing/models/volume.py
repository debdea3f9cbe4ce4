"""Volume tiers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.tiers import Tier, Tiers


class Volume(ByTotal):
    """The total picks one tier, and its rate holds for every unit. `flat_at_zero` and `boundary` as in
    Graduated."""

    example: ClassVar[Mapping[str, Any]] = {
        "model": "volume",
        "tiers": [{"up_to": "1000", "unit": "0.02"}, {"unit": "0.01", "flat": "5"}],
    }
    must_restart: ClassVar[bool] = True

    model: Literal["volume"]
    tiers: Tiers
    flat_at_zero: Literal["first_tier", "none"] = "first_tier"
    boundary: Literal["upper", "lower"] = "upper"

    def cost(self, quantity: Decimal) -> Decimal:
        if quantity == 0 and self.flat_at_zero == "none":
            return Decimal(0)
        tier = self._tier(quantity)
        return quantity * tier.unit + tier.flat

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        tier, cost = self._tier(quantity), self.cost(quantity)
        named = "in the tier up to" if tier.up_to is not None else "in the last tier"
        return (Part(quantity, cost, quantity, tier.unit, cost - quantity * tier.unit, named, tier.up_to),)

    def _tier(self, quantity: Decimal) -> Tier:
        return next(tier for tier in self.tiers if tier.up_to is None or self._within(quantity, tier.up_to))

    def _within(self, quantity: Decimal, bound: Decimal) -> bool:
        return quantity < bound or (quantity == bound and self.boundary == "upper")
