"""Covered: what the allowance, units carried or rolled over and discounts of units leave of the counted units, stretch
after stretch."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from shared.pricing.balances import Balances
from shared.pricing.effective import Effective
from shared.pricing.lines import LineClause
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.needs import TotalsRead
from shared.pricing.placed import Placed
from shared.pricing.placed_discounts import PlacedDiscount
from shared.pricing.reach import NOWHERE, Reach, Turn
from shared.pricing.steps.full_units import with_full_units
from shared.pricing.steps.measured import Measured
from shared.pricing.steps.units_off import TakesUnits
from shared.pricing.steps.without_rate import in_full
from shared.values.groups import Group

_ZERO: Final = Decimal(0)
_NO_UNITS: Final[TotalsRead] = {}


class Covered(msgspec.Struct, frozen=True, gc=False):
    """A line with a turn for each stretch that counts usage, and what the next period takes over: units below zero, and
    units of the allowance that were not used."""

    line: Placed[LineClause]
    turns: Sequence[Turn[LineClause]] = ()
    below_zero: Mapping[Group, Decimal] = _NO_UNITS
    rolled_over: Decimal = _ZERO


def cover(
    measured: Sequence[Measured], opening: Balances, discounts: Sequence[PlacedDiscount] = ()
) -> list[Covered]:
    """Raises NoRateForGroup."""
    of_units = [one for one in discounts if one.clause.kind == "units"] if discounts else ()
    anew = not (opening.below_zero or opening.rolled_over or opening.handed_on or of_units)
    covered: list[Covered] = []
    for one in measured:
        if not one.counted:
            covered.append(Covered(one.line))
        elif anew and one.line.as_counted and min(one.counted[0].values(), default=_ZERO) >= _ZERO:
            covered.append(_untouched(one.line, one.counted[0]))
        else:
            covered.append(_covered(one, opening, of_units))
    return covered


def _untouched(line: Placed[LineClause], counted: TotalsRead) -> Covered:
    """All that was counted is priced."""
    return Covered(line, (Turn(line.last, counted, NOWHERE, Reach(counted, counted), True),))


def _covered(measured: Measured, opening: Balances, of_units: Sequence[PlacedDiscount]) -> Covered:
    line, carried, rolled = measured.line, _NO_UNITS, _ZERO
    if opening.below_zero:
        carried = {row.group: row.units for row in opening.below_zero if row.line_key == line.key}
    if opening.rolled_over:
        rolled = sum([row.units for row in opening.rolled_over if row.line_key == line.key], _ZERO)
    try:
        handed_on = _handed_on(line, opening) if opening.handed_on else _NO_UNITS
        turns = _turns(measured, carried, rolled, handed_on)
        unused = _unused(turns[-1])
        if measured.full:
            turns = list(with_full_units(turns, measured))
        if of_units:
            off = TakesUnits([one for one in of_units if line.line_id in one.held])
            turns = [off.of(turn) for turn in turns]
    except NoRateForGroup as fault:
        raise in_full(fault, line, measured.counted) from fault
    return Covered(line, turns, _below_zero(turns[-1]), unused)


def _handed_on(line: Placed[LineClause], opening: Balances) -> TotalsRead:
    """What corrections hand on joins a line that counts by the same dimensions, as far as its terms price it."""
    clause, dimensions = line.stretches[0].clause, sorted(line.needs[0].dimensions)
    found = {
        row.group: row.units
        for row in opening.handed_on
        if row.line_key == line.key and sorted(name for name, _ in row.group) == dimensions
    }
    left = clause.left_of(found) if clause.leaves_some else _NO_UNITS
    return {group: units for group, units in found.items() if group not in left}


def _below_zero(last: Turn[LineClause]) -> Mapping[Group, Decimal]:
    reached = last.after
    if reached.metered is None and reached.priced is reached.totals:  # all are priced
        return _NO_UNITS
    below = {group: total for group, total in reached.counted.items() if total < _ZERO}
    return below if below and last.stretch.clause.when_negative == "carry" else _NO_UNITS


def _unused(last: Turn[LineClause]) -> Decimal:
    """What the allowance that was in force last hands on; below zero, what it could not make up for of what is missing
    in it."""
    roll_over = last.stretch.clause.rolls_over
    if roll_over is None and last.rolled_over >= _ZERO:
        return _ZERO
    left = last.stretch.allowance + last.rolled_over
    if roll_over is None:
        return min(left, _ZERO)
    return roll_over.of(max(left - last.after.covered, _ZERO)) + min(left, _ZERO)


def _turns(
    measured: Measured, carried: TotalsRead, rolled: Decimal, handed_on: TotalsRead
) -> list[Turn[LineClause]]:
    """Return the line's stretches in order, each from where the one before has come to; what is handed on counts in the
    first. Where an allowance begins anew, of what was rolled over there is what the one before did not need beside its
    own, and of what is missing what it could not make up for."""
    stretches, counted = measured.line.stretches, measured.counted
    owed = _owed(carried) if carried else carried
    previous = _turn(stretches[0], counted[0], owed, rolled, True, handed_on)
    turns = [previous]
    for index in range(1, len(stretches)):
        stretch, running = stretches[index], previous.after.counted
        fresh = _begins_anew(previous.stretch, stretch)
        if fresh and rolled:
            rolled = _rolled_on(rolled, previous)
        if fresh:
            carries = previous.stretch.clause.when_negative == "carry"
            running = _owed(running) if carries else _NO_UNITS
        previous = _turn(stretch, counted[index], running, rolled, fresh)
        turns.append(previous)
    return turns


def _rolled_on(rolled: Decimal, previous: Turn[LineClause]) -> Decimal:
    own = previous.stretch.allowance
    return min(rolled + own, _ZERO) if rolled < _ZERO else rolled - max(previous.after.covered - own, _ZERO)


def _owed(totals: TotalsRead) -> TotalsRead:
    """Return what is left of the totals where units are counted anew: what is below zero."""
    return {group: min(total, _ZERO) for group, total in totals.items()}


def _turn(
    stretch: Effective[LineClause],
    counted: TotalsRead,
    totals: TotalsRead,
    rolled: Decimal,
    fresh: bool,
    handed_on: TotalsRead = _NO_UNITS,
) -> Turn[LineClause]:
    """Return the turn of a stretch that begins with these `totals`, whether anew (`fresh`), with what was rolled over and is
    handed on. Nothing is priced before one that begins anew."""
    left = _NO_UNITS
    if stretch.clause.leaves_some:
        left = stretch.clause.left_of(counted)
        counted = {group: units for group, units in counted.items() if group not in left}
    before = _reach(stretch, totals, rolled) if totals else NOWHERE
    if fresh and before is not NOWHERE:
        before = msgspec.structs.replace(before, priced=_NO_UNITS)
    more = _plus(handed_on, counted) if handed_on else counted
    after = _reach(stretch, _plus(totals, more) if totals else more, rolled)
    return Turn(stretch, counted, before, after, fresh, rolled, (), left, handed_on)


def _begins_anew(previous: Effective[LineClause], stretch: Effective[LineClause]) -> bool:
    """A line that was cut only because a discount begins or ends goes on as it was."""
    goes_on = previous.end == stretch.start and previous.clause.hash == stretch.clause.hash
    return not goes_on and stretch.clause.begins_anew(previous.clause)


def _reach(stretch: Effective[LineClause], totals: TotalsRead, rolled: Decimal) -> Reach:
    """Convert each group's units, and cover them by what is left of the allowance and of what was rolled over, in the
    order of their ranks, then of the values. Where nothing covers them, and none are below zero or these
    are credited, all are priced."""
    if not totals:
        return NOWHERE
    units = stretch.clause.converted(totals)
    metered = None if units is totals else totals
    left, credits = stretch.allowance + rolled, stretch.clause.when_negative == "credit"
    if left <= _ZERO:
        if credits or min(units.values()) >= _ZERO:
            return Reach(units, units, metered)
        return Reach(units, {group: max(total, _ZERO) for group, total in units.items()}, metered)
    priced: dict[Group, Decimal] = {}
    for group in _in_rank(stretch.clause, units) if len(units) > 1 else units:
        total = units[group] if credits else max(units[group], _ZERO)
        covered = max(min(total, left), _ZERO)
        left, priced[group] = left - covered, total - covered
    return Reach(units, priced, metered)


def _in_rank(clause: LineClause, totals: TotalsRead) -> list[Group]:
    return sorted(totals, key=lambda group: (clause.rank(group), group))


def _plus(totals: TotalsRead, counted: TotalsRead) -> TotalsRead:
    return {group: totals.get(group, _ZERO) + counted.get(group, _ZERO) for group in {**totals, **counted}}
