"""Graduated tiers."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from shared.pricing.escalator import Raise
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.tiers import Tier, Tiers


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
        return sum((tier.charge(units) for tier, units in self._entered(quantity)), Decimal(0))

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return tuple(
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
        )

    def _entered(self, quantity: Decimal) -> Iterator[tuple[Tier, Decimal]]:
        """Yield each entered tier with its units."""
        lower = Decimal(0)
        for tier in self.tiers:
            if not self._enters(quantity, lower):
                return
            upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
            yield tier, upper - lower
            lower = upper if tier.up_to is None else tier.up_to

    def _enters(self, quantity: Decimal, lower: Decimal) -> bool:
        if lower == 0:
            return quantity > 0 or self.flat_at_zero == "first_tier"
        return quantity > lower or (quantity == lower and self.boundary == "lower")
