"""Balances as they are stored: a list of rows, in an order of their own, so that equal balances are equal JSON.

units below zero        [line key, [[dimension, value], …], units]
units rolled over       {"row": "rolled_over", "line": line key, "units": units}
handed on               {"row": "handed_on", "line": line key, "group": [[dimension, value], …], "units": units}
blocks of no clause     {"row": "block", "block": {…}}
drawn, counted, kept    {"row": "drawn" | "counted" | "kept", "block": id, "minor": minor units}
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import msgspec

from shared.pricing.balances import (
    EMPTY,
    Balances,
    BlockDrawn,
    CommitmentCounted,
    Kept,
    UnitsBelowZero,
    UnitsHandedOn,
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
            {
                "row": "handed_on",
                "line": row.line_key,
                "group": [list(pair) for pair in row.group],
                "units": plain(row.units),
            }
            for row in sorted(balances.handed_on)
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
        handed_on=tuple(
            UnitsHandedOn(
                said["line"], tuple((name, value) for name, value in said["group"]), Decimal(said["units"])
            )
            for said in named
            if said["row"] == "handed_on"
        ),
    )


def handed_on(before: Sequence[Any], after: Balances) -> list[Any]:
    """Return, as it is stored, what a period hands on now beyond what it did before: units below zero, of its
    allowances, and counted towards commitments."""
    old = from_stored(before)
    return to_stored(
        Balances(
            handed_on=tuple(UnitsHandedOn(*row) for row in _more(old.below_zero, after.below_zero)),
            rolled_over=tuple(UnitsRolledOver(*row) for row in _more(old.rolled_over, after.rolled_over)),
            counted=tuple(CommitmentCounted(*row) for row in _more(old.counted, after.counted)),
        )
    )


def opened_with(opening: Sequence[Any], handed: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Return what a period opens with where corrections of those before it handed on so much more."""
    if not handed:
        return opening
    found, more = from_stored(opening), [from_stored(one) for one in handed]
    return to_stored(
        msgspec.structs.replace(
            found,
            handed_on=tuple(UnitsHandedOn(*row) for row in _sums(one.handed_on for one in more)),
            rolled_over=tuple(
                UnitsRolledOver(*row) for row in _sums(one.rolled_over for one in (found, *more))
            ),
            counted=tuple(CommitmentCounted(*row) for row in _sums(one.counted for one in (found, *more))),
        )
    )


def _more(before: Sequence[tuple[Any, ...]], after: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """By how much the last of each row, which the others name, has changed."""
    return _sums([[(*name, -number) for *name, number in before], after])


def _sums(rows: Iterable[Sequence[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """The rows of one name as one, those of nothing left out."""
    found: dict[tuple[Any, ...], Any] = {}
    for *name, number in chain.from_iterable(rows):
        found[tuple(name)] = found.get(tuple(name), 0) + number
    return [(*name, number) for name, number in found.items() if number]


def _minor(name: str, rows: Iterable[tuple[str, int]]) -> Iterator[dict[str, object]]:
    for block, minor in sorted(rows):
        yield {"row": name, "block": block, "minor": minor}


def _read(named: Iterable[Mapping[str, Any]], name: str) -> list[tuple[str, int]]:
    return [(said["block"], said["minor"]) for said in named if said["row"] == name]
