"""What a usage line includes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag, model_validator

from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Quantity

_ZERO = Decimal(0)


class UnitRollOver(Clause):
    """How much of what a period leaves of its allowance, and of what it was handed itself, goes into the next: all of
    it, at most `max`, and at least `min` even where less is left."""

    min: Quantity = _ZERO
    max: Quantity | None = None

    @model_validator(mode="after")
    def _min_within_max(self) -> Self:
        if self.max is not None and self.min > self.max:
            said = f"It is at most max, {self.max:f}; lower it, or raise max."
            refuse([Fault(("min",), "minimum_above_maximum", said)])
        return self

    def of(self, unused: Decimal) -> Decimal:
        """Return the units that go into the next period where so many are unused."""
        least = max(unused, self.min)
        return least if self.max is None else min(least, self.max)


def _written_out(said: object) -> object:
    """`true` is all of it, `false` nothing."""
    if said is True:
        return UnitRollOver()
    return None if said is False else said


class Allowance(Clause):
    """Units a period that cost nothing; a part period has its days' share. `roll_over`: true, false, or
    {min, max}."""

    units: Quantity
    per: Literal["period"] = "period"
    roll_over: Annotated[UnitRollOver | None, BeforeValidator(_written_out)] = None


def _number_or_more(said: object) -> str:
    return "allowance" if isinstance(said, Mapping | Allowance) else "number"


def _no_more_than_a_number(said: Decimal | Allowance) -> Decimal | Allowance:
    """What says nothing but a number is that number, however it is written."""
    return (
        said.units
        if isinstance(said, Allowance) and said == Allowance.model_construct(units=said.units)
        else said
    )


Included = Annotated[
    Annotated[Quantity, Tag("number")] | Annotated[Allowance, Tag("allowance")],
    Discriminator(_number_or_more),
    AfterValidator(_no_more_than_a_number),
]
"""Units, or an allowance that says more than how many."""
