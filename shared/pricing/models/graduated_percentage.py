"""Graduated percentage."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field

from shared.pricing.escalator import Raise
from shared.pricing.fields import UnitPrice
from shared.pricing.models.graduated import Graduated
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.percentage import of_one
from shared.pricing.models.tiers import TIERS_MAX, Bounds, Tier, without_gap


class RateTier(Bounds):
    """What is taken of the value in the tier, in percent, and what is due once it is entered."""

    rate: UnitPrice
    flat: UnitPrice = Decimal(0)

    def escalated(self, price_now: Raise) -> Self:
        return self.having(rate=price_now(self.rate), flat=price_now(self.flat))


class GraduatedPercentage(ByTotal):
    """A share of the value that the meter adds up: each part of it at the rate of the tier it falls into.
    `flat_at_zero` and `boundary` as in Graduated."""

    example: ClassVar[Mapping[str, Any]] = {
        "model": "graduated_percentage",
        "tiers": [{"up_to": "1000", "rate": "1.5", "flat": "1"}, {"rate": "1"}],
    }

    model: Literal["graduated_percentage"]
    tiers: Annotated[
        tuple[RateTier, ...], Field(min_length=1, max_length=TIERS_MAX), AfterValidator(without_gap)
    ]
    flat_at_zero: Literal["first_tier", "none"] = "first_tier"
    boundary: Literal["upper", "lower"] = "upper"

    def escalated(self, price_now: Raise) -> Self:
        return self.having(tiers=tuple([tier.escalated(price_now) for tier in self.tiers]))

    def cost(self, quantity: Decimal) -> Decimal:
        return self._by_unit.cost(quantity)

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return self._by_unit.parts(quantity)

    @cached_property
    def _by_unit(self) -> Graduated:
        """The same, as the price of each unit of value."""
        return Graduated.model_construct(
            model="graduated",
            tiers=tuple(
                Tier.model_construct(up_to=tier.up_to, unit=of_one(tier.rate), flat=tier.flat)
                for tier in self.tiers
            ),
            flat_at_zero=self.flat_at_zero,
            boundary=self.boundary,
        )
