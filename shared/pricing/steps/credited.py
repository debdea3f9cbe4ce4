"""Credited: what blocks pay of the lines, slice after slice, after commitments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.pricing.balances import Balances
from shared.pricing.blocks import Block, Draw, Due, draw, in_order
from shared.pricing.layout import Layout
from shared.pricing.lines import SHORTFALL
from shared.pricing.steps.committed import Committed


class Credited(msgspec.Struct, frozen=True, gc=False):
    """`blocks` are those of credits, with what they were granted in the end; `draws` are all that pay, those on
    commitments first; `left` is what of each block is left (block id → minor units)."""

    blocks: tuple[Block, ...] = ()
    draws: tuple[Draw, ...] = ()
    left: Mapping[str, int] = {}


@dataclass
class _Running:
    """Where the slices have come to."""

    blocks: dict[str, Block]
    left: dict[str, int]
    made: list[Draw]

    def take(self, draws: Sequence[Draw]) -> None:
        self.made += draws
        for one in draws:
            self.left[one.block] -= one.amount_minor

    def keep(self, block: str, minor: int) -> None:
        """Let a block have so much beside its own amount."""
        own = self.blocks[block]
        self.blocks[block] = msgspec.structs.replace(own, amount_minor=own.amount_minor + minor)
        self.left[block] += minor


def credit(committed: Committed, layout: Layout, opening: Balances, more: Sequence[Block] = ()) -> Credited:
    """`more` are the blocks that commitments make as they end in the period. None pays what is short and makes it."""
    assert layout.terms is not None
    paying = {promise.block.id for promise in layout.agreed.promises if promise.block.pays}
    paid = tuple([one for one in committed.covered if one.block in paying])
    blocks = in_order([*layout.agreed.credits, *opening.blocks, *more], layout.terms.draw_order)
    if not blocks:
        return Credited((), paid)
    drawn = {row.block: row.amount_minor for row in opening.drawn}
    left = {block.id: block.amount_minor - drawn.get(block.id, 0) for block in blocks}
    running = _Running({block.id: block for block in blocks}, left, [])
    for row in opening.kept:
        if row.block in running.blocks:
            running.keep(row.block, row.amount_minor)
    for one in committed.slices:
        _refill(one.start, layout, running)
        running.take(draw([due for due in one.dues if due.amount_minor < 0], running.made, (), {}))
        rises = [due for due in one.dues if due.amount_minor > 0]
        makes = [due for due in rises if _makes(due, more)]
        others = [due for due in rises if due not in makes]
        running.take(draw(others, (), tuple(running.blocks.values()), running.left))
        of_before = tuple([block for block in running.blocks.values() if block not in more])
        running.take(draw(makes, (), of_before, running.left))
    _refill(layout.end, layout, running)
    return Credited(tuple(running.blocks.values()), (*paid, *running.made), running.left)


def _makes(due: Due, more: Sequence[Block]) -> bool:
    """Whether it is what is short of a commitment, and makes one of these blocks."""
    return due.kind == SHORTFALL and any(block.key == due.key for block in more)


def _refill(at: datetime, layout: Layout, running: _Running) -> None:
    """Let what begins at an instant keep of what ended."""
    for refill in layout.agreed.refills:
        block = running.blocks.get(refill.block)
        if block is not None and block.effective == at and refill.after in running.left:
            running.keep(refill.block, refill.kept(running.left[refill.after]))
