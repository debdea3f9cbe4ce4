"""Draws that exist stay: what of them still pays a line, slice by slice, when it is priced again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from shared.pricing.blocks.block import Block, Draw
from shared.pricing.blocks.draw import Due

Place = tuple[datetime, str]
"""Where a slice begins, and a line."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """`draws` are those that exist, as they were made, as far as they stay; `pays` is what of each slice and line they
    pay."""

    draws: tuple[Draw, ...] = ()
    pays: Mapping[Place, tuple[Draw, ...]] = {}

    def of(self, due: Due) -> tuple[Draw, ...]:
        return self.pays.get((due.start, due.line_id), ())

    def left(self, left: Mapping[str, int]) -> dict[str, int]:
        """Return what is left of blocks beside these draws, of what was without them."""
        after = dict(left)
        for one in self.draws:
            if one.block in after:
                after[one.block] -= one.amount_minor
        return after


NOTHING_STANDS: Final = Standing()


def standing(slices: Sequence[Sequence[Due]], facts: Sequence[Draw], blocks: Mapping[str, Block]) -> Standing:
    """Return which of the draws that exist stay, of those on these blocks (by id).

    One stays as far as the slice that it was made for, or one after it that its block holds too, comes to as much: a line
    that comes to less is asked for less money first. Of its draws the last go first.
    """
    if not facts:
        return NOTHING_STANDS
    rooms = _rooms(slices)
    draws, pays = list[Draw](), dict[Place, list[Draw]]()
    for fact in _in_all(facts):
        block = blocks.get(fact.block)
        kept = 0
        for room in rooms.get(fact.line_id, ()) if block else ():
            assert block is not None
            part = room.fits(fact, block, fact.amount_minor - kept)
            if part:
                room.minor -= part
                kept += part
                pays.setdefault((room.due.start, fact.line_id), []).append(
                    Draw(fact.block, fact.line_id, room.due.start, part)
                )
        if kept:
            draws.append(msgspec.structs.replace(fact, amount_minor=kept))
    return Standing(tuple(draws), {place: tuple(made) for place, made in pays.items()})


class _Room:
    """What of a line's slice draws may pay, in the end."""

    def __init__(self, due: Due) -> None:
        self.due, self.minor = due, due.amount_minor

    def fits(self, fact: Draw, block: Block, minor: int) -> int:
        due = self.due
        pays = fact.slice_start < due.end and block.may_pay(due.key, due.kind, due.start, due.end)
        return min(self.minor, minor) if pays else 0


def _rooms(slices: Sequence[Sequence[Due]]) -> dict[str, list[_Room]]:
    """Line id → its slices that come to more than nothing. One that comes to less takes that from those before it, the
    last first."""
    rooms = dict[str, list[_Room]]()
    for dues in slices:
        for due in dues:
            of_line = rooms.setdefault(due.line_id, [])
            if due.amount_minor > 0:
                of_line.append(_Room(due))
            else:
                _take(of_line, -due.amount_minor)
    return rooms


def _take(rooms: Sequence[_Room], minor: int) -> None:
    """Take so much from the last rooms, which have as much."""
    for room in reversed(rooms):
        part = min(room.minor, minor)
        room.minor -= part
        minor -= part


def _in_all(facts: Sequence[Draw]) -> Iterator[Draw]:
    """Yield what is drawn in all of each block for each slice and line, in the order it was drawn first."""
    drawn: dict[tuple[str, str, datetime], int] = {}
    for fact in facts:
        place = fact.block, fact.line_id, fact.slice_start
        drawn[place] = drawn.get(place, 0) + fact.amount_minor
    for (block, line_id, start), minor in drawn.items():
        if minor > 0:
            yield Draw(block, line_id, start, minor)
