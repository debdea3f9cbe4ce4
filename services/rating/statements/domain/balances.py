"""Balances as they are stored: a list of rows, in an order of their own, so that equal balances are equal JSON.

units below zero        [line key, [[dimension, value], …], units]
units rolled over       {"row": "rolled_over", "line": line key, "units": units}
blocks of no clause     {"row": "block", "block": {…}}
drawn, counted, kept    {"row": "drawn" | "counted" | "kept", "block": id, "minor": minor units}
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from shared.pricing.balances import (
    EMPTY,
    Balances,
    BlockDrawn,
    CommitmentCounted,
    Kept,
    UnitsBelowZero,
    UnitsRolledOver,
)
from shared.pricing.blocks import Block
from shared.values.decimals import plain


def to_stored(balances: Balances) -> list[Any]:
    return [
        *sorted(
            [row.line_key, [list(pair) for pair in row.group], plain(row.units)]
            for row in balances.below_zero
        ),
        *(
            {"row": "rolled_over", "line": row.line_key, "units": plain(row.units)}
            for row in sorted(balances.rolled_over)
        ),
        *(
            {"row": "block", "block": msgspec.to_builtins(block)}
            for block in sorted(balances.blocks, key=lambda block: block.id)
        ),
        *_minor("drawn", balances.drawn),
        *_minor("counted", balances.counted),
        *_minor("kept", balances.kept),
    ]


def from_stored(stored: Sequence[Any]) -> Balances:
    if not stored:
        return EMPTY
    named = [said for said in stored if isinstance(said, dict)]
    return Balances(
        below_zero=tuple(
            UnitsBelowZero(key, tuple((name, value) for name, value in group), Decimal(units))
            for key, group, units in (said for said in stored if isinstance(said, list))
        ),
        rolled_over=tuple(
            UnitsRolledOver(said["line"], Decimal(said["units"]))
            for said in named
            if said["row"] == "rolled_over"
        ),
        blocks=tuple(
            msgspec.convert(said["block"], Block, strict=False) for said in named if said["row"] == "block"
        ),
        drawn=tuple(BlockDrawn(*minor) for minor in _read(named, "drawn")),
        counted=tuple(CommitmentCounted(*minor) for minor in _read(named, "counted")),
        kept=tuple(Kept(*minor) for minor in _read(named, "kept")),
    )


def _minor(name: str, rows: Iterable[tuple[str, int]]) -> Iterator[dict[str, object]]:
    for block, minor in sorted(rows):
        yield {"row": name, "block": block, "minor": minor}


def _read(named: Iterable[Mapping[str, Any]], name: str) -> list[tuple[str, int]]:
    return [(said["block"], said["minor"]) for said in named if said["row"] == name]
