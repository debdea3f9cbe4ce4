"""Per unit."""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact
from functools import cached_property
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import model_validator

from shared.pricing.escalator import Raise
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import PositiveQuantity, UnitPrice
from shared.pricing.models.model import ByTotal, Part
from shared.values.decimals import EXACT, PRECISION, PRICE_FRACTION_DIGITS_MAX, ROUNDED
from shared.values.money import Rounding, round_to

#: Decimals of a quotient: with the 12 of a quantity, and 38 digits before the point, a sum of costs still fits EXACT.
_DECIMALS_MAX: Final = 48
_DIVIDING: Final = Context(prec=PRECISION, traps=[fault for fault, trapped in EXACT.traps.items() if trapped])


class PerUnit(ByTotal):
    """Every unit costs the same: `unit`, or with `per` its part, as for prices of a thousand or a million units."""

    example: ClassVar[Mapping[str, Any]] = {"model": "per_unit", "unit": "0.0008"}

    model: Literal["per_unit"]
    unit: UnitPrice
    per: PositiveQuantity | None = None

    @model_validator(mode="after")
    def _leaves_no_rest(self) -> Self:
        if not self._divides_exactly:
            refuse(
                [
                    Fault(
                        ("per",),
                        "not_exact",
                        f"{self.unit} cannot be divided by {self.per} without a rest; write the price of another number of units, such as 1000.",
                    )
                ]
            )
        return self

    @property
    def _divides_exactly(self) -> bool:
        try:
            exponent = self._one.as_tuple().exponent
        except Inexact:
            return False
        return isinstance(exponent, int) and -exponent <= _DECIMALS_MAX

    @cached_property
    def _one(self) -> Decimal:
        """What one unit costs."""
        return self.unit if self.per is None else _DIVIDING.divide(self.unit, self.per)

    def escalated(self, price_now: Raise) -> Self:
        """Where the raised price of many units cannot be divided by them without a rest, that of one is rounded as any
        raised price is."""
        raised = self.having(unit=price_now(self.unit))
        if raised.per is None or raised._divides_exactly:
            return raised
        one = ROUNDED.divide(raised.unit, raised.per)
        return self.having(unit=round_to(one, PRICE_FRACTION_DIGITS_MAX, Rounding.HALF_UP), per=None)

    def cost(self, quantity: Decimal) -> Decimal:
        return quantity * self._one

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return (Part(quantity, self.cost(quantity), quantity, self._one),)
