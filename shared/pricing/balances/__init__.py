"""What one period hands to the next: one file a kind of row. To add one: its file, and its name among the rows here
and in what is stored of them (`services/rating/statements/domain/balances.py`)."""

import msgspec

from shared.pricing.balances.blocks import BlockDrawn, CommitmentCounted, Kept
from shared.pricing.balances.units_below_zero import UnitsBelowZero
from shared.pricing.balances.units_handed_on import UnitsHandedOn
from shared.pricing.balances.units_rolled_over import UnitsRolledOver
from shared.pricing.blocks.block import Block


class Balances(msgspec.Struct, frozen=True, gc=False):
    """The rows that open a period, or close it. `blocks` are those that no clause of the contract makes by itself:
    granted by a call, or by the end of a commitment."""

    below_zero: tuple[UnitsBelowZero, ...] = ()
    rolled_over: tuple[UnitsRolledOver, ...] = ()
    blocks: tuple[Block, ...] = ()
    drawn: tuple[BlockDrawn, ...] = ()
    counted: tuple[CommitmentCounted, ...] = ()
    kept: tuple[Kept, ...] = ()
    handed_on: tuple[UnitsHandedOn, ...] = ()


EMPTY = Balances()

__all__ = [
    "EMPTY",
    "Balances",
    "BlockDrawn",
    "CommitmentCounted",
    "Kept",
    "UnitsBelowZero",
    "UnitsHandedOn",
    "UnitsRolledOver",
]
