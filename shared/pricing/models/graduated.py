"""Graduated tiers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from shared.pricing.escalator import Raise
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.tiers import Tier, Tiers

_ZERO = Decimal(0)


class Graduated(ByTotal):
    """Each unit is priced by the tier it falls into. A flat fee is due once its tier is entered; `cap` is the most that
    the units and the flat fee of a tier come to.

    `flat_at_zero`: the first tier counts as entered without any usage (as in Lago and OpenMeter) or not
    (flexprice, Polar).
    `boundary`: with `lower`, reaching a bound already enters the tier above it; only flat fees feel the
    difference.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "model": "graduated",
        "tiers": [{"up_to": "1000", "unit": "0.02"}, {"unit": "0.01", "flat": "5"}],
    }

    model: Literal["graduated"]
    tiers: Tiers
    flat_at_zero: Literal["first_tier", "none"] = "first_tier"
    boundary: Literal["upper", "lower"] = "upper"

    def escalated(self, price_now: Raise) -> Self:
        return self.having(tiers=tuple([tier.escalated(price_now) for tier in self.tiers]))

    def cost(self, quantity: Decimal) -> Decimal:
        total = _ZERO
        for tier, units in self._entered(quantity):
            total += tier.charge(units)
        return total

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return tuple(
            [
                Part(
                    units,
                    tier.charge(units),
                    units,
                    tier.unit,
                    tier.flat,
                    "up to" if tier.up_to else "beyond",
                    tier.up_to,
                    tier.cap,
                )
                for tier, units in self._entered(quantity)
            ]
        )

    def _entered(self, quantity: Decimal) -> list[tuple[Tier, Decimal]]:
        """Return each entered tier with its units."""
        entered: list[tuple[Tier, Decimal]] = []
        lower = _ZERO
        for tier in self.tiers:
            if quantity <= lower and not self._enters_at(lower, quantity):
                break
            if tier.up_to is None or quantity < tier.up_to:
                entered.append((tier, quantity - lower))
                break
            entered.append((tier, min(quantity, tier.up_to) - lower))
            lower = tier.up_to
        return entered

    def _enters_at(self, lower: Decimal, quantity: Decimal) -> bool:
        """Whether so many units, not more than the bound, enter the tier above it."""
        if lower:
            return quantity == lower and self.boundary == "lower"
        return self.flat_at_zero == "first_tier"
