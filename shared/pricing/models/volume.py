"""Volume tiers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from shared.pricing.escalator import Raise
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.tiers import Tier, Tiers

_ZERO = Decimal(0)


class Volume(ByTotal):
    """The total picks one tier, and its rate holds for every unit; with `tier_by: full_quantity` it is the total before
    proration that picks it. `cap`, `flat_at_zero` and `boundary` as in Graduated."""

    example: ClassVar[Mapping[str, Any]] = {
        "model": "volume",
        "tiers": [{"up_to": "1000", "unit": "0.02"}, {"unit": "0.01", "flat": "5"}],
    }

    model: Literal["volume"]
    tiers: Tiers
    flat_at_zero: Literal["first_tier", "none"] = "first_tier"
    boundary: Literal["upper", "lower"] = "upper"
    tier_by: Literal["quantity", "full_quantity"] = "quantity"

    @property
    def reads_full(self) -> bool:
        return self.tier_by == "full_quantity"

    @property
    def must_restart(self) -> bool:
        return True

    def escalated(self, price_now: Raise) -> Self:
        return self.having(tiers=tuple([tier.escalated(price_now) for tier in self.tiers]))

    def cost(self, quantity: Decimal) -> Decimal:
        if quantity == 0 and self.flat_at_zero == "none":
            return _ZERO
        return self._tier(quantity).charge(quantity)

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        tier = self._tier(quantity)
        named = "in the tier up to" if tier.up_to is not None else "in the last tier"
        flat = tier.flat if quantity or self.flat_at_zero == "first_tier" else _ZERO
        return (Part(quantity, self.cost(quantity), quantity, tier.unit, flat, named, tier.up_to, tier.cap),)

    def at(self, full: Decimal) -> "Volume":
        """It has the one tier that the full units pick."""
        return self.having(tiers=(self._tier(full),))

    def _tier(self, quantity: Decimal) -> Tier:
        for tier in self.tiers:
            if tier.up_to is None or quantity < tier.up_to:
                return tier
            if quantity == tier.up_to and self.boundary == "upper":
                return tier
        return self.tiers[-1]
