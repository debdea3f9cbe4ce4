"""Covered: what the allowance, units carried or rolled over and discounts of units leave of the counted units, stretch
after stretch."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from shared.pricing.balances import EMPTY, Balances
from shared.pricing.effective import Effective
from shared.pricing.lines import LineClause
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.needs import TotalsRead
from shared.pricing.placed import Placed
from shared.pricing.placed_discounts import PlacedDiscount
from shared.pricing.reach import NOWHERE, Reach, Turn
from shared.pricing.steps.measured import Measured
from shared.pricing.steps.units_off import TakesUnits
from shared.pricing.steps.without_rate import in_full
from shared.values.groups import Group

_ZERO = Decimal(0)


class Covered(msgspec.Struct, frozen=True, gc=False):
    """A line with a turn for each stretch that counts usage, and what the next period takes over: units below zero, and
    units of the allowance that were not used."""

    line: Placed[LineClause]
    turns: tuple[Turn[LineClause], ...] = ()
    below_zero: Mapping[Group, Decimal] = {}
    rolled_over: Decimal = _ZERO


def cover(
    measured: Sequence[Measured], opening: Balances, discounts: Sequence[PlacedDiscount] = ()
) -> list[Covered]:
    """Raises NoRateForGroup."""
    of_units = [one for one in discounts if one.clause.kind == "units"] if discounts else ()
    return [_covered(line, opening, of_units) if line.counted else Covered(line.line) for line in measured]


def _covered(measured: Measured, opening: Balances, of_units: Sequence[PlacedDiscount]) -> Covered:
    key, rolled = measured.line.key, _ZERO
    carried: TotalsRead = {}
    if opening is not EMPTY:
        rolled = sum([row.units for row in opening.rolled_over if row.line_key == key], _ZERO)
        carried = {row.group: row.units for row in opening.below_zero if row.line_key == key}
    try:
        turns = tuple(_turns(measured, carried, rolled))
        unused = _unused(turns[-1])
        if of_units:
            off = TakesUnits([one for one in of_units if measured.line.line_id in one.lines])
            turns = tuple([off.of(turn) for turn in turns])
    except NoRateForGroup as fault:
        raise in_full(fault, measured.line, measured.counted) from fault
    totals = turns[-1].after.totals
    below_zero = {group: total for group, total in totals.items() if total < 0}
    return Covered(measured.line, turns, below_zero, unused)


def _unused(last: Turn[LineClause]) -> Decimal:
    """What the allowance that was in force last hands on."""
    roll_over = last.stretch.clause.rolls_over
    if roll_over is None:
        return _ZERO
    return roll_over.of(max(_own(last) + last.rolled_over - last.after.covered, _ZERO))


def _own(turn: Turn[LineClause]) -> Decimal:
    return turn.stretch.clause.allowance(turn.stretch.billed_days, turn.stretch.whole_days)


def _turns(measured: Measured, carried: TotalsRead, rolled: Decimal) -> Iterator[Turn[LineClause]]:
    """Yield the line's stretches in order, each from where the one before has come to. Where an allowance begins anew,
    of what was rolled over there is what the one before did not need beside its own."""
    running, previous = carried, None
    for stretch, counted in zip(measured.line.stretches, measured.counted, strict=True):
        left: TotalsRead = {}
        if stretch.clause.leaves_some:
            left = stretch.clause.left_of(counted)
            counted = {group: units for group, units in counted.items() if group not in left}
        fresh = previous is None or _begins_anew(previous.stretch, stretch)
        if fresh and previous is not None and rolled:
            rolled -= max(previous.after.covered - _own(previous), _ZERO)
        begun = running
        if fresh and running:
            begun = {group: min(total, _ZERO) for group, total in running.items()}
        before = _reach(stretch, begun, rolled)
        after = _reach(stretch, _plus(before.totals, counted), rolled)
        previous = Turn(stretch, counted, before, after, fresh, rolled, unpriced=left)
        yield previous
        running = after.totals


def _begins_anew(previous: Effective[LineClause], stretch: Effective[LineClause]) -> bool:
    """A line that was cut only because a discount begins or ends goes on as it was."""
    goes_on = previous.end == stretch.start and previous.clause.hash == stretch.clause.hash
    return not goes_on and stretch.clause.begins_anew(previous.clause)


def _reach(stretch: Effective[LineClause], totals: TotalsRead, rolled: Decimal) -> Reach:
    """Cover each group's units by what is left of the allowance and of what was rolled over, in the order of their
    ranks, then of the values."""
    if not totals:
        return NOWHERE
    left = stretch.clause.allowance(stretch.billed_days, stretch.whole_days) + rolled
    if not left:
        return Reach(totals, {group: max(total, _ZERO) for group, total in totals.items()})
    priced: dict[Group, Decimal] = {}
    for group in (
        sorted(totals, key=lambda group: (stretch.clause.rank(group), group)) if len(totals) > 1 else totals
    ):
        units = max(totals[group], _ZERO)
        covered = min(units, left)
        left, priced[group] = left - covered, units - covered
    return Reach(totals, priced)


def _plus(totals: TotalsRead, counted: TotalsRead) -> TotalsRead:
    if not totals:
        return counted
    return {
        group: totals.get(group, _ZERO) + counted.get(group, _ZERO)
        for group in totals.keys() | counted.keys()
    }
