"""What is paid for a block, and given back of it: a refund gives back what is left at what it cost."""

from decimal import Decimal

from shared.values.decimals import EXACT
from shared.values.money import Rounding, round_to


def cost_of(minor: int, cost_basis: Decimal) -> int:
    """Return what so much of a block costs, in minor units: what is paid for a unit of it, rounded once, half up."""
    return int(round_to(EXACT.multiply(Decimal(minor), cost_basis), 0, Rounding.HALF_UP))
