"""What a usage line makes of the units that its meter counts."""

from decimal import Decimal
from typing import Final, Self

from pydantic import model_validator

from shared.pricing.clause import Clause
from shared.pricing.explanation.step import Input
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import PositiveAmount
from shared.pricing.rounding import RoundUnits
from shared.values.decimals import QUANTITY_FRACTION_DIGITS_MAX
from shared.values.money import Rounding, round_quotient, round_to

_ONE: Final = Decimal(1)
_FINEST: Final = RoundUnits(scale=QUANTITY_FRACTION_DIGITS_MAX)


class Conversion(Clause):
    """Units are multiplied, or divided, and rounded, half up at 12 decimals unless `round` says otherwise. It is the sum
    of a period that is converted, so neither slices nor amendments change what it is rounded to."""

    multiply: PositiveAmount | None = None
    divide: PositiveAmount | None = None
    round: RoundUnits = _FINEST

    @model_validator(mode="after")
    def _says_one_factor(self) -> Self:
        if (self.multiply is None) == (self.divide is None):
            code = "missing" if self.multiply is None else "more_than_one_measure"
            refuse([Fault(("multiply",), code, 'It says either multiply or divide, such as divide: "1000".')])
        return self

    def of(self, units: Decimal) -> Decimal:
        scale, mode = self.round.scale, Rounding(self.round.mode)
        if self.divide is not None:
            return round_quotient(units, self.divide, scale, mode)
        assert self.multiply is not None
        return round_to(units * self.multiply, scale, mode)

    def inputs(self) -> dict[str, Input]:
        """What it says, as a step has it."""
        return {
            "multiply": self.multiply or _ONE,
            "divide": self.divide or _ONE,
            "rounding": self.round.mode,
            "step": _ONE.scaleb(-self.round.scale),
        }
