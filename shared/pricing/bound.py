"""What an amount of a period is held to: of a line, or of all of them."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

import msgspec

from shared.values.decimals import EXACT
from shared.values.money import share


class Bound(msgspec.Struct, frozen=True, gc=False):
    """An amount a period, counted by the days it is in force: `amount_days` is the sum of amount × days.

    It is divided once: shares of ten and of twenty-one days are a last digit short of the whole, which rounding down
    shows.
    """

    amount_days: Decimal
    whole_days: int

    @property
    def exact(self) -> Decimal:
        return share(self.amount_days, 1, self.whole_days)


def at_least(agreed: Iterable[tuple[Decimal | None, int]], whole_days: int) -> Bound | None:
    """Return the minimum of a period from what is agreed for how many of its days; a day without one adds nothing.
    None: nothing is agreed."""
    stated = [(amount, days) for amount, days in agreed if amount is not None]
    return _bound(stated, whole_days) if stated else None


def at_most(agreed: Iterable[tuple[Decimal | None, int]], whole_days: int) -> Bound | None:
    """Return the maximum of a period, likewise. It bounds the whole period or nothing: where a day is without one,
    what is used on that day is without bound, and no amount says on which days it was used."""
    stated: list[tuple[Decimal, int]] = []
    for amount, days in agreed:
        if amount is not None:
            stated.append((amount, days))
        elif days:
            return None
    return _bound(stated, whole_days) if any(days for _, days in stated) else None


def _bound(stated: Iterable[tuple[Decimal, int]], whole_days: int) -> Bound:
    with localcontext(EXACT):
        return Bound(sum([amount * days for amount, days in stated], Decimal(0)), whole_days)
