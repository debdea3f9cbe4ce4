"""Blocks."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.pricing.clause import Clause
from shared.pricing.escalator import Raise
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import PositiveQuantity, UnitPrice
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.tiers import TIERS_MAX

_ZERO = Decimal(0)


def _whole(value: Decimal) -> Decimal:
    if value % 1:
        raise PydanticCustomError("not_whole", "Blocks are counted whole.")
    return value


class BlockTier(Clause):
    """Up to `max` blocks of `size` units, each at `price`."""

    size: PositiveQuantity
    max: Annotated[PositiveQuantity, AfterValidator(_whole)] | None = None
    price: UnitPrice

    def escalated(self, price_now: Raise) -> Self:
        return self.having(price=price_now(self.price))


class Blocks(ByTotal):
    """Units are sold in blocks, begun ones count, and what is beyond the blocks of a tier goes on in the next; the last
    tier goes on for ever, whatever its `max`. With `top_tier` the whole quantity is sold in blocks of the last tier
    that it reaches."""

    example: ClassVar[Mapping[str, Any]] = {
        "model": "blocks",
        "tiers": [{"size": "100", "max": "10", "price": "9"}, {"size": "1000", "price": "60"}],
    }

    model: Literal["blocks"]
    charge: Literal["all_tiers", "top_tier"] = "all_tiers"
    tiers: Annotated[tuple[BlockTier, ...], Field(min_length=1, max_length=TIERS_MAX)]

    @model_validator(mode="after")
    def _only_the_last_is_open(self) -> Self:
        said = "Only the last tier goes on without a max; say how many blocks this one has."
        refuse(
            [
                Fault(("tiers", index, "max"), "tier_open_inside", said)
                for index, tier in enumerate(self.tiers[:-1])
                if tier.max is None
            ]
        )
        return self

    @property
    def must_restart(self) -> bool:
        return self.charge == "top_tier"

    def escalated(self, price_now: Raise) -> Self:
        return self.having(tiers=tuple([tier.escalated(price_now) for tier in self.tiers]))

    def cost(self, quantity: Decimal) -> Decimal:
        return sum((part.amount for part in self.parts(quantity)), _ZERO)

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        reached = tuple(self._reached(quantity))
        sold = reached if self.charge == "all_tiers" else [(tier, quantity) for tier, _ in reached[-1:]]
        return tuple([self._part(tier, units) for tier, units in sold])

    def _reached(self, quantity: Decimal) -> Iterator[tuple[BlockTier, Decimal]]:
        """Yield each tier that the quantity reaches, with its units in it."""
        left = quantity
        for tier in self.tiers:
            if not left:
                return
            units = left if tier.max is None or tier is self.tiers[-1] else min(left, tier.size * tier.max)
            yield tier, units
            left -= units

    def _part(self, tier: BlockTier, units: Decimal) -> Part:
        whole, rest = divmod(units, tier.size)
        blocks = whole + (rest > 0)
        return Part(units, blocks * tier.price, blocks, tier.price, reach="blocks of", bound=tier.size)
