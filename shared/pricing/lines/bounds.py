"""The least and the most that a line costs in a period."""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, Self

import msgspec
from pydantic import model_validator

from shared.pricing.bound import Bound, at_least, at_most
from shared.pricing.effective import Effective
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Amount
from shared.pricing.lines.line import LineClause
from shared.pricing.rounding import RoundUsedFirst


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """What the exact amount of a line is held between; None: no bound on that side. `before_discounts`: it is what the
    line costs before discounts that is compared."""

    minimum: Bound | None
    maximum: Bound | None
    before_discounts: bool = False

    @property
    def at_most(self) -> "Bounds | None":
        """The same without the minimum, which is due at a period's end."""
        return None if self.maximum is None else Bounds(None, self.maximum, self.before_discounts)


class BoundedLine(LineClause):
    """A line that costs at least `minimum` and at most `maximum` a period. In a part period, or where it is in force on
    some of the days, both count by the day.

    `measured: before_discounts`: discounts are taken of no more than the maximum, and what is missing to the minimum
    is due beside what they leave. `round_used_first`: whether what is used is rounded before a minimum is compared with
    it or after comes to the same, as a line is rounded as a whole.
    """

    minimum: Amount | None = None
    maximum: Amount | None = None
    measured: Literal["after_discounts", "before_discounts"] = "after_discounts"
    round_used_first: RoundUsedFirst = True

    @model_validator(mode="after")
    def _minimum_within_maximum(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            said = f"It is at most the maximum, {self.maximum:f}; lower it, or raise the maximum."
            refuse([Fault(("minimum",), "minimum_above_maximum", said)])
        return self

    @cached_property
    def is_bounded(self) -> bool:
        return self.minimum is not None or self.maximum is not None


def bounds_of(stretches: Sequence[Effective[LineClause]]) -> Bounds | None:
    """Return the bounds of a line in a period; None where it has none."""
    for one in stretches:
        if isinstance(one.clause, BoundedLine) and one.clause.is_bounded:
            break
    else:
        return None
    charged = type(stretches[-1].clause).days_charged(stretches)
    agreed = [(clause, days) for clause, days in charged if isinstance(clause, BoundedLine)]
    whole_days = stretches[-1].whole_days
    minimum = at_least([(clause.minimum, days) for clause, days in agreed], whole_days)
    maximum = at_most([(clause.maximum, days) for clause, days in agreed], whole_days)
    if minimum is None and maximum is None:
        return None
    return Bounds(minimum, maximum, agreed[-1][0].measured == "before_discounts")
