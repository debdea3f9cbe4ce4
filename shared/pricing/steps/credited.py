"""Credited: what blocks pay of the lines, slice after slice, after commitments."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from shared.pricing.balances import Balances
from shared.pricing.blocks import NOTHING_STANDS, Block, Draw, Due, Standing, draw, in_order, standing
from shared.pricing.layout import Layout
from shared.pricing.lines import SHORTFALL, UPLIFT
from shared.pricing.steps.committed import OUTSIDE, Committed
from shared.pricing.steps.needed import NOTHING_NEEDED, Needed

_OF_COMMITMENTS: Final = frozenset({UPLIFT, SHORTFALL})


class Credited(msgspec.Struct, frozen=True, gc=False):
    """`blocks` are those of credits, with what they were granted in the end; `draws` are all that pay, those on
    commitments first; `left` is what of each block is left, and `kept` what each that a refill makes has of the one before
    it (block id → minor units)."""

    blocks: tuple[Block, ...] = ()
    draws: tuple[Draw, ...] = ()
    left: Mapping[str, int] = {}
    kept: Mapping[str, int] = {}


class Paying(msgspec.Struct, frozen=True, gc=False):
    """What pays beside blocks of credits: `made` are the blocks that commitments make as they end in the period, and
    `stands` are the draws that exist and stay, of all that `facts` have, but for those of commitments' own lines. `late`
    says how much may be drawn beside these on a block of what was asked for as short (its id → minor units), `needed` what
    others need of a block as it ends."""

    made: Sequence[Block] = ()
    stands: Standing = NOTHING_STANDS
    facts: Sequence[Draw] = ()
    late: Mapping[str, int] = {}
    needed: Needed = NOTHING_NEEDED


PAYING_NOTHING: Final = Paying()


class _Running(msgspec.Struct):
    """Where the slices have come to; `back` is what was given back of the draws `made` beside those that stand. `late` are
    blocks of what was asked for as short: no other block pays like them. `held_back` is what is left of blocks beside that,
    until they end, and `lives_on` what else was left of them then."""

    blocks: dict[str, Block]
    left: dict[str, int]
    held_back: dict[str, int] = {}
    lives_on: Mapping[str, int] = {}
    kept: dict[str, int] = {}
    stands: Standing = NOTHING_STANDS
    late: Sequence[Block] = ()
    made: list[Draw] = []
    back: dict[str, int] = {}

    def take(self, draws: Sequence[Draw]) -> None:
        """Beside draws that exist nothing that is given back is offered again: they have what of it was taken then."""
        self.made += draws
        for one in draws:
            kept = self.back if one.amount_minor < 0 and self.stands.draws else self.left
            kept[one.block] = kept.get(one.block, 0) - one.amount_minor

    def hold_back(self, minor: Mapping[str, int]) -> None:
        """Leave so much less of these blocks."""
        for block, less in minor.items():
            self.left[block] -= less

    def leave(self, held_back: Mapping[str, int]) -> None:
        """Nothing of this is held back any more, and what was given back is left."""
        for minor in (held_back, self.back):
            for block, more in minor.items():
                self.left[block] += more

    def ends(self, block: str) -> int:
        """Return what was left of a block at its end: nothing is held back of it any more."""
        self.left[block] += self.held_back.pop(block, 0) + self.back.pop(block, 0)
        return self.left[block] + self.lives_on.get(block, 0)

    def keep(self, block: str, minor: int) -> None:
        """Let a block have so much beside its own amount."""
        own = self.blocks[block]
        self.blocks[block] = msgspec.structs.replace(own, amount_minor=own.amount_minor + minor)
        self.left[block] += minor


def credit(
    committed: Committed, layout: Layout, opening: Balances, beside: Paying = PAYING_NOTHING
) -> Credited:
    """No block that a commitment makes pays what is short and makes it."""
    assert layout.terms is not None
    more = beside.made
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
    held_back = _stand(committed, beside, running)
    running.held_back, running.lives_on = beside.needed.of(running.left), beside.needed.lives_on
    running.hold_back(running.held_back)
    for one in committed.slices:
        _refill(one.start, layout, running)
        _return(one.dues, running)
        _pay(_rest(one.dues, running), more, running)
    _refill(layout.end, layout, running)
    running.leave(held_back)
    draws = (*paid, *running.stands.draws, *running.made)
    return Credited(tuple(running.blocks.values()), draws, running.left, running.kept)


def _stand(committed: Committed, beside: Paying, running: _Running) -> dict[str, int]:
    """Let the draws that exist on these blocks stay: those of lines, and those of what exceeds commitments or is short,
    which are known by now. Return what is held back of what was asked for as short, as nothing late came for it."""
    if beside.facts:
        own = [[due for due in one.dues if due.kind in _OF_COMMITMENTS] for one in committed.slices]
        of_own = standing(own, beside.facts, running.blocks)
        pays = {
            place: kept
            for place, draws in beside.stands.pays.items()
            if (kept := tuple([one for one in draws if one.block in running.blocks]))
        }
        draws = tuple([one for one in beside.stands.draws if one.block in running.blocks])
        running.stands = Standing((*draws, *of_own.draws), {**pays, **of_own.pays})
        running.left = running.stands.left(running.left)
    running.late = [block for block in running.blocks.values() if block.kind == SHORTFALL]
    if not running.late:
        return {}
    held_back = {
        block.id: max(running.left[block.id] - beside.late.get(block.id, 0), 0) for block in running.late
    }
    running.hold_back(held_back)
    return held_back


def _rest(dues: Sequence[Due], running: _Running) -> Sequence[Due]:
    """Draw on what was asked for as short of commitments for the lines that they cover; return what neither that nor draws
    that exist pay of the dues."""
    if not (running.stands.draws or running.late):
        return dues
    rises = [_less(due, running.stands.of(due)) for due in dues if due.amount_minor > 0]
    made = draw([due for due in rises if due.kind not in OUTSIDE], (), running.late, running.left)
    running.take(made)
    return [_less(due, [one for one in made if one.line_id == due.line_id]) for due in rises]


def _less(due: Due, paid: Sequence[Draw]) -> Due:
    minor = sum([one.amount_minor for one in paid])
    return msgspec.structs.replace(due, amount_minor=due.amount_minor - minor) if minor else due


def _return(dues: Sequence[Due], running: _Running) -> None:
    """Give back to blocks what lines fell by."""
    if running.made:
        running.take(draw([due for due in dues if due.amount_minor < 0], running.made, (), {}))


def _pay(dues: Sequence[Due], more: Sequence[Block], running: _Running) -> None:
    """Let blocks pay what lines rose by."""
    makes = [due for due in dues if _makes(due, more)] if more else ()
    others = [due for due in dues if due not in makes] if makes else dues
    late: Sequence[Block] = running.late
    every = running.blocks.values()
    blocks = [block for block in every if block not in late] if late else every
    running.take(draw(others, (), blocks, running.left))
    if makes:
        of_before = [block for block in blocks if block not in more]
        running.take(draw(makes, (), of_before, running.left))


def _makes(due: Due, more: Sequence[Block]) -> bool:
    """Whether it is what is short of a commitment, and makes one of these blocks."""
    return due.kind == SHORTFALL and any(block.key == due.key for block in more)


def _refill(at: datetime, layout: Layout, running: _Running) -> None:
    """Let what begins at an instant keep of what ended."""
    for refill in layout.agreed.refills:
        block = running.blocks.get(refill.block)
        if block is not None and block.effective == at and refill.after in running.left:
            kept = running.kept[refill.block] = refill.kept(running.ends(refill.after))
            running.keep(refill.block, kept)
