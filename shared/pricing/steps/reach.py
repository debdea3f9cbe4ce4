"""How far a usage line has come, before and after the usage of one of its stretches."""

from decimal import Decimal

import msgspec

from shared.pricing.effective import Effective
from shared.pricing.lines import UsageLine
from shared.pricing.needs import TotalsRead
from shared.values.groups import Group

_ZERO = Decimal(0)


class Reach(msgspec.Struct, frozen=True, gc=False):
    """The running total of each group, and how much of it is above the allowance."""

    totals: TotalsRead
    priced: TotalsRead


class Turn(msgspec.Struct, frozen=True, gc=False):
    """The usage counted in one stretch of a line. `fresh`: tiers and allowance begin anew with it."""

    stretch: Effective[UsageLine]
    counted: TotalsRead
    before: Reach
    after: Reach
    fresh: bool

    def priced(self, group: Group) -> tuple[Decimal, Decimal]:
        """Return the units of a group above the allowance, before and after."""
        return self.before.priced.get(group, _ZERO), self.after.priced.get(group, _ZERO)
