"""Credited: what blocks pay of the lines, slice after slice, after commitments."""

from collections.abc import Mapping, Sequence
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


class _Running(msgspec.Struct):
    """Where the slices have come to."""

    blocks: dict[str, Block]
    left: dict[str, int]
    made: list[Draw] = []

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
    paid = tuple([one for one in committed.covered if one.block in layout.agreed.paid_for])
    blocks: Sequence[Block] = layout.credits
    if more:
        blocks = in_order([*blocks, *more], layout.terms.draw_order)
    if not blocks:
        return Credited((), paid)
    running = _Running(
        {block.id: block for block in blocks}, {block.id: block.amount_minor for block in blocks}
    )
    for drawn in opening.drawn:
        if drawn.block in running.left:
            running.left[drawn.block] -= drawn.amount_minor
    for row in opening.kept:
        if row.block in running.blocks:
            running.keep(row.block, row.amount_minor)
    for one in committed.slices:
        _refill(one.start, layout, running)
        _return(one.dues, running)
        _pay(one.dues, more, running)
    _refill(layout.end, layout, running)
    return Credited(tuple(running.blocks.values()), (*paid, *running.made), running.left)


def _return(dues: Sequence[Due], running: _Running) -> None:
    """Give back to blocks what lines fell by."""
    if running.made:
        running.take(draw([due for due in dues if due.amount_minor < 0], running.made, (), {}))


def _pay(dues: Sequence[Due], more: Sequence[Block], running: _Running) -> None:
    """Let blocks pay what lines rose by."""
    makes = [due for due in dues if _makes(due, more)] if more else ()
    others = [due for due in dues if due not in makes] if makes else dues
    running.take(draw(others, (), running.blocks.values(), running.left))
    if makes:
        of_before = [block for block in running.blocks.values() if block not in more]
        running.take(draw(makes, (), of_before, running.left))


def _makes(due: Due, more: Sequence[Block]) -> bool:
    """Whether it is what is short of a commitment, and makes one of these blocks."""
    return due.kind == SHORTFALL and any(block.key == due.key for block in more)


def _refill(at: datetime, layout: Layout, running: _Running) -> None:
    """Let what begins at an instant keep of what ended."""
    for refill in layout.agreed.refills:
        block = running.blocks.get(refill.block)
        if block is not None and block.effective == at and refill.after in running.left:
            running.keep(refill.block, refill.kept(running.left[refill.after]))
