"""How a clause says that something is rounded."""

from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import PositiveAmount
from shared.values.decimals import PRICE_FRACTION_DIGITS_MAX, QUANTITY_FRACTION_DIGITS_MAX
from shared.values.money import Rounding

Mode = Literal["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"]
"""As `Rounding` has them."""
RoundUsedFirst = Literal[True]
"""What is used is rounded before a minimum is compared with it: always so."""


class RoundPrice(Clause):
    """To how many decimals a price is rounded, and how."""

    scale: Annotated[int, Field(strict=True, ge=0, le=PRICE_FRACTION_DIGITS_MAX)]
    mode: Mode = "half_up"


class RoundUnits(Clause):
    """To how many decimals a quantity is rounded, and how."""

    scale: Annotated[int, Field(strict=True, ge=0, le=QUANTITY_FRACTION_DIGITS_MAX)]
    mode: Mode = "half_up"


class RoundAmount(Clause):
    """How a line's amount is rounded, where not as that of any other: to `scale` decimals, or to a multiple of `step`;
    its exact amount stays in the explanation. A mode that is not written is that of the billing."""

    mode: Mode | None = None
    scale: Annotated[int, Field(strict=True, ge=0, le=PRICE_FRACTION_DIGITS_MAX)] | None = None
    step: PositiveAmount | None = None

    @model_validator(mode="after")
    def _says_one_unit(self) -> Self:
        if (self.scale is None) == (self.step is None):
            said = 'It says either how many decimals are left (scale: 0) or what it is a multiple of (step: "0.05").'
            refuse([Fault(("scale",), "missing" if self.scale is None else "more_than_one_measure", said)])
        return self

    @property
    def unit(self) -> Decimal:
        """What the amount is a multiple of."""
        return Decimal(1).scaleb(-self.scale) if self.scale is not None else self.step or Decimal(1)

    def on(self, otherwise: Rounding) -> "RoundedTo":
        return RoundedTo(self.unit, otherwise if self.mode is None else Rounding(self.mode))


class RoundedTo(NamedTuple):
    """A multiple of what, and how."""

    unit: Decimal
    mode: Rounding
