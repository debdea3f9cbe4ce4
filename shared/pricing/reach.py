"""How far the usage of a line has come, before and after that of one of its stretches."""

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from shared.pricing.clause import Clause
from shared.pricing.discount import Discount
from shared.pricing.effective import Effective
from shared.pricing.needs import TotalsRead
from shared.values.groups import Group

_ZERO = Decimal(0)
C_co = TypeVar("C_co", bound=Clause, covariant=True)


class Reach(msgspec.Struct, frozen=True, gc=False):
    """The running total of each group, and how much of it is priced: above the allowance, and not taken off by a
    discount. `metered`: what its meter counted, where that is converted into the total; `prorated`: the units that its
    meter's proration has taken off."""

    totals: TotalsRead
    priced: TotalsRead
    metered: TotalsRead | None = None
    prorated: Decimal = _ZERO

    @property
    def counted(self) -> TotalsRead:
        """The running total as its meter counts."""
        return self.totals if self.metered is None else self.metered

    @property
    def covered(self) -> Decimal:
        """The units that the allowance, and what was rolled over, cover."""
        units = sum([total for total in self.totals.values() if total > 0], _ZERO)
        return units - sum([one for one in self.priced.values() if one > 0], _ZERO)


NOWHERE = Reach({}, {})


class UnitsOff(msgspec.Struct, frozen=True, gc=False):
    """Units of a group that a discount takes off a stretch: the lesser of what it still has, and of what the allowance
    and the discounts before it leave of those counted there."""

    clause: Discount
    clause_id: str
    group: Group
    has: Decimal
    left: Decimal

    @property
    def taken(self) -> Decimal:
        return min(self.has, self.left)


class Turn(msgspec.Struct, Generic[C_co], frozen=True, gc=False):
    """The usage counted in one stretch of a line. `fresh`: tiers and allowance begin anew with it; `rolled_over`: the units
    that cover usage beside its allowance, or, below zero, are missing in it; `handed_on`: what corrections of earlier
    periods add to those counted; `off`: units that discounts take off;
    `unpriced`: units, of groups that terms leave unpriced, which are none of those counted."""

    stretch: Effective[C_co]
    counted: TotalsRead
    before: Reach
    after: Reach
    fresh: bool
    rolled_over: Decimal = _ZERO
    off: tuple[UnitsOff, ...] = ()
    unpriced: TotalsRead = {}
    handed_on: TotalsRead = {}
