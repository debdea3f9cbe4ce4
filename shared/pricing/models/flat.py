"""Flat."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from shared.pricing.escalator import Raise
from shared.pricing.fields import Amount
from shared.pricing.models.model import ByTotal, Model, Part

_NONE, _ONE = Decimal(0), Decimal(1)


class Flat(ByTotal):
    """One amount a period, whatever is used. `when: used`: only where there are units to price."""

    example: ClassVar[Mapping[str, Any]] = {"model": "flat", "amount": "9.00"}

    model: Literal["flat"]
    amount: Amount
    when: Literal["always", "used"] = "always"

    def begins_anew_after(self, previous: Model) -> bool:
        """After another model it is due whole: what the units before would have cost by it was not asked for."""
        return not isinstance(previous, Flat)

    def escalated(self, price_now: Raise) -> Self:
        return self.having(amount=price_now(self.amount))

    def cost(self, quantity: Decimal) -> Decimal:
        return self._times(quantity) * self.amount

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return (Part(quantity, self.cost(quantity), self._times(quantity), self.amount),)

    def _times(self, quantity: Decimal) -> Decimal:
        return _ONE if quantity or self.when == "always" else _NONE
