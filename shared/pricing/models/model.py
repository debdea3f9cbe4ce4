"""What every price model says of itself, and what it answers by what it reads."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Self

import msgspec

from shared.pricing.clause import Clause
from shared.pricing.escalator import Raise
from shared.pricing.explanation.step import Input
from shared.pricing.needs import Need, Totals
from shared.values.groups import Group


class Part(msgspec.Struct, frozen=True, gc=False):
    """A piece of a price, for the explanation: `quantity` units cost `amount` together, which is `count` ×
    `at` + `flat`, or `cap` where that is less."""

    quantity: Decimal
    amount: Decimal
    count: Decimal  # units, or packs
    at: Decimal  # the price of one of them
    flat: Decimal = Decimal(0)
    #: Which tier, or of how many units a pack is.
    reach: str = ""
    bound: Decimal | None = None  # the number that goes with `reach`
    cap: Decimal | None = None  # at most this for all of it

    def inputs(self) -> dict[str, Input]:
        """What it is made of, as a step says it."""
        said: dict[str, Input] = {
            "quantity": self.quantity,
            "count": self.count,
            "at": self.at,
            "flat": self.flat,
            "reach": self.reach,
        }
        if self.bound is not None:
            said["bound"] = self.bound
        if self.cap is not None:
            said["cap"] = self.cap
        return said


class Model(Clause):
    """A price. What it costs is asked by what it reads, see below."""

    # a price of this model as terms write it: the laws for every model start from it
    example: ClassVar[Mapping[str, Any]]
    # how its usage is read
    reads: ClassVar[type[Need]]

    @property
    def reads_full(self) -> bool:
        """Whether it also reads what there was before a meter prorated it."""
        return False

    @property
    def must_restart(self) -> bool:
        """Whether its rate depends on the total, so that it cannot run through an amendment."""
        return False

    def begins_anew_after(self, _previous: "Model") -> bool:
        """Whether it cannot run through an amendment that puts it in the place of this price."""
        return self.must_restart

    def escalated(self, price_now: Raise) -> Self:
        """Return it with each of its prices as escalators have raised it: whatever is multiplied by units or is due by
        itself. What only limits is left as it is."""
        raise NotImplementedError

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions the price differs by, sorted; none for most models."""
        return ()

    @property
    def named_values(self) -> frozenset[tuple[str, str]]:
        """The (dimension, value) that the price tells from all others; none for most models."""
        return frozenset()


class ByTotal(Model):
    """A price that reads the total of each group: what does this many units cost? Exact, never rounded. A quantity
    is zero or more."""

    reads: ClassVar[type[Totals]] = Totals

    def for_group(self, group: Group) -> "ByTotal":
        """Return the price of one group of dimension values. Raises NoRateForGroup where terms name none."""
        return self

    @property
    def leaves_some(self) -> bool:
        """Whether terms let usage without a price be stated as unpriced; else it is refused."""
        return False

    def leaves(self, group: Group) -> bool:
        """Whether usage of a group is left unpriced."""
        return False

    def rank(self, group: Group) -> int:
        """The order in which groups draw the included allowance; equal ranks go by their values."""
        return 0

    def cost(self, quantity: Decimal) -> Decimal:
        """Return what `quantity` units cost in currency units."""
        raise NotImplementedError

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        """Return the pieces that add up to `cost(quantity)`."""
        raise NotImplementedError

    def at(self, full: Decimal) -> "ByTotal":
        """Return the price of units that were so many before they were prorated."""
        return self
