"""Billing."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from shared.pricing.clause import Clause
from shared.pricing.rounding import Mode
from shared.values.money import Rounding


class Billing(Clause):
    """Periods, payment and rounding. A period closes `grace_hours` after its end."""

    interval: Literal["month"] = "month"
    anchor_day: Annotated[int, Field(strict=True, ge=1, le=31)] = 1
    net_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 30
    grace_hours: Annotated[int, Field(strict=True, ge=0, le=8760)] = 72
    rounding: Mode = "half_up"

    @cached_property
    def rounding_mode(self) -> Rounding:
        return Rounding(self.rounding)
