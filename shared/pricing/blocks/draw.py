"""The one function by which anything is drawn on blocks: commitments, credits, and what is returned to them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from shared.pricing.blocks.block import Block, Draw
from shared.values.money import allocate


class Due(msgspec.Struct, frozen=True, gc=False):
    """What a line comes to in the slice of a period between two instants, in minor units; below zero: it comes to so
    much less than it did before."""

    line_id: str
    key: str
    kind: str
    amount_minor: int
    start: datetime
    end: datetime


def draw(
    amounts: Sequence[Due], facts: Sequence[Draw], blocks: Iterable[Block], left: Mapping[str, int]
) -> list[Draw]:
    """Return the draws that these amounts make, and what they return.

    Blocks are drawn on in the order given, for the amounts in the order given, each by those that hold for its slice
    and take its line: as far as `left` (block → minor units; absent: nothing) reaches, so that none falls below zero.
    `facts` are the draws that exist, in their order: an amount below zero returns those of its line, the last first,
    as far as there are any.
    """
    made: list[Draw] = []
    if facts:
        made += [returned for due in amounts if due.amount_minor < 0 for returned in _returned(due, facts)]
    open_minor = [due.amount_minor for due in amounts]
    for block in blocks:
        left_minor = left.get(block.id, 0)
        if left_minor > 0:
            pay = _in_proportion if block.pro_rata else _in_turn
            made += pay(block, left_minor, amounts, open_minor)
    return made


def _in_turn(block: Block, left_minor: int, amounts: Sequence[Due], open_minor: list[int]) -> Iterator[Draw]:
    """Pay each amount until nothing is left of the block; `open_minor` is what of it is open, and is then."""
    for index, due in enumerate(amounts):
        wants = open_minor[index]
        if wants > 0 and block.may_pay(due.key, due.kind, due.start, due.end):
            part = min(wants, left_minor)
            open_minor[index] = wants - part
            yield Draw(block.id, due.line_id, due.start, part)
            left_minor -= part
            if not left_minor:
                return


def _in_proportion(
    block: Block, left_minor: int, amounts: Sequence[Due], open_minor: list[int]
) -> Iterator[Draw]:
    """The same of a block that has less than all amounts want: each by its part of them."""
    wanted = {
        index: open_minor[index]
        for index, due in enumerate(amounts)
        if open_minor[index] > 0 and block.may_pay(due.key, due.kind, due.start, due.end)
    }
    parts: Iterable[int] = wanted.values()
    if left_minor < sum(parts):
        parts = allocate(left_minor, list(parts))
    for index, part in zip(wanted, parts, strict=True):
        if part:
            open_minor[index] -= part
            yield Draw(block.id, amounts[index].line_id, amounts[index].start, part)


def _returned(due: Due, facts: Sequence[Draw]) -> list[Draw]:
    missing = -due.amount_minor
    back: list[Draw] = []
    for block, slice_start, minor in _standing(due.line_id, facts):
        part = min(minor, missing)
        if part:
            back.append(Draw(block, due.line_id, slice_start, -part))
            missing -= part
    return back


def _standing(line_id: str, facts: Sequence[Draw]) -> list[tuple[str, datetime, int]]:
    """Return what is still drawn for a line, block by block and slice by slice, the last first."""
    drawn: dict[tuple[str, datetime], int] = {}
    for fact in facts:
        if fact.line_id == line_id:
            place = fact.block, fact.slice_start
            drawn[place] = drawn.get(place, 0) + fact.amount_minor
    return [(block, start, minor) for (block, start), minor in reversed(drawn.items()) if minor > 0]
