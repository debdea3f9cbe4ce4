"""What discounts take off the counted units of a line."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from shared.pricing.lines import LineClause
from shared.pricing.needs import TotalsRead
from shared.pricing.placed_discounts import PlacedDiscount
from shared.pricing.reach import Reach, Turn, UnitsOff
from shared.values.groups import Group

_ZERO = Decimal(0)


class TakesUnits:
    """The discounts of one line, and what each still has: it is asked for turn after turn of the period."""

    def __init__(self, discounts: Sequence[PlacedDiscount]) -> None:
        self._discounts = discounts
        self._has = [one.measure for one in discounts]
        self._taken: dict[Group, Decimal] = {}

    def of(self, turn: Turn[LineClause]) -> Turn[LineClause]:
        """Return the turn without the units that are taken off in it, and off those before it that it runs on from:
        groups in the order in which they draw the allowance."""
        if turn.fresh:
            self._taken = {}
        before = self._less(turn.before, self._taken)
        off = tuple(self._off(turn, before.priced))
        return msgspec.structs.replace(
            turn, before=before, after=self._less(turn.after, self._taken), off=off
        )

    def _off(self, turn: Turn[LineClause], before: TotalsRead) -> Iterator[UnitsOff]:
        """Yield what each discount takes, and keep it."""
        after = self._less(turn.after, self._taken).priced
        new = {group: units - before.get(group, _ZERO) for group, units in after.items()}
        for index, placed in enumerate(self._discounts):
            clause = placed.on(turn.stretch)
            for group in sorted(new, key=lambda group: (turn.stretch.clause.rank(group), group)):
                if clause is None or new[group] <= 0 or not self._has[index]:
                    continue
                one = UnitsOff(clause, placed.clause_id, group, self._has[index], new[group])
                self._has[index] -= one.taken
                new[group] -= one.taken
                self._taken[group] = self._taken.get(group, _ZERO) + one.taken
                yield one

    @staticmethod
    def _less(reach: Reach, taken: Mapping[Group, Decimal]) -> Reach:
        if not taken:
            return reach
        priced = {
            group: max(units - taken.get(group, _ZERO), min(units, _ZERO))
            for group, units in reach.priced.items()
        }
        return msgspec.structs.replace(reach, priced=priced)
