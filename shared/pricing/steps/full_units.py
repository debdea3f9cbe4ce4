"""What the proration of a meter took off the counted units of a line: it lowers what is charged, and not the tier that it
is charged by."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from shared.pricing.lines import LineClause
from shared.pricing.needs import TotalsRead
from shared.pricing.reach import Reach, Turn
from shared.pricing.steps.measured import Measured

_ZERO = Decimal(0)


def with_full_units(turns: Sequence[Turn[LineClause]], measured: Measured) -> Iterator[Turn[LineClause]]:
    """Yield the turns of a line without dimensions, each knowing what was taken off so far."""
    full = {need.start: _units(read) for need, read in zip(measured.line.full, measured.full, strict=True)}
    so_far = _ZERO
    for turn in turns:
        before = _ZERO if turn.fresh else so_far
        counted = _units(turn.counted)
        so_far = before + full.get(turn.stretch.start, counted) - counted
        yield msgspec.structs.replace(
            turn, before=_with(turn, turn.before, before), after=_with(turn, turn.after, so_far)
        )


def _with(turn: Turn[LineClause], reach: Reach, taken: Decimal) -> Reach:
    if not taken:
        return reach
    full = turn.stretch.clause.converted({(): _units(reach.counted) + taken})
    return msgspec.structs.replace(reach, prorated=_units(full) - _units(reach.totals))


def _units(counted: TotalsRead) -> Decimal:
    return counted.get((), _ZERO)
