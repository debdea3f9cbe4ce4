"""Closed: what becomes of blocks that end in the period, and what all of them hand to the next."""

from collections.abc import Iterator, Mapping

import msgspec

from shared.pricing.balances import EMPTY, Balances, BlockDrawn, CommitmentCounted, Kept
from shared.pricing.blocks import Block, Change
from shared.pricing.blocks.agreed import Promise
from shared.pricing.layout import Layout
from shared.pricing.lines import SHORTFALL
from shared.pricing.steps.committed import (
    Committed,
    asked_for_as_short,
    is_short,
    short_of,
    shortfall_block_id,
)
from shared.pricing.steps.credited import Credited
from shared.values.ids import block_id
from shared.values.money import Rounding, round_to
from shared.values.period import local_midnight


class Closed(msgspec.Struct, frozen=True, gc=False):
    """`changes` are what becomes of blocks at their end; `closing` opens the next period."""

    changes: tuple[Change, ...]
    closing: Balances


def made_by_commitments(committed: Committed, layout: Layout) -> dict[str, Block]:
    """Return the blocks that commitments make as they end in the period, by the id of what makes it: of what is left of a
    prepaid one its share, and what is short of one that rolls over."""
    return {
        promise.block.id: _roll_over(promise, minor, layout)
        for promise in layout.agreed.promises
        if (minor := _rolled(promise, committed, layout)) > 0
    }


def billed_short(committed: Committed, layout: Layout, opening: Balances) -> tuple[Block, ...]:
    """Return a block for what is asked for as short of each commitment that ends in the period, of its own time: what comes
    late draws on it. None where it rolls over, as it pays what comes then."""
    asked_for: dict[str, int] | None = None
    found = []
    for promise in layout.agreed.promises:
        if promise.clause.when_short == "true_up" and is_short(promise, layout):
            asked_for = asked_for_as_short(opening) if asked_for is None else asked_for
            minor = short_of(promise, committed.left, asked_for)
            if minor > 0:
                found.append(_shortfall(promise, minor))
    return tuple(found)


def _shortfall(promise: Promise, minor: int) -> Block:
    return msgspec.structs.replace(
        promise.block,
        id=shortfall_block_id(promise),
        kind=SHORTFALL,
        amount_minor=minor,
        pays=True,
        pro_rata=False,
    )


def rolls_over_to(layout: Layout) -> list[Block]:
    """Return the blocks that commitments would make as they end in the period, of nothing."""
    return [
        _roll_over(promise, 0, layout)
        for promise in layout.agreed.promises
        if not _goes_on(promise.block, layout)
    ]


def close(committed: Committed, credited: Credited, layout: Layout, made: Mapping[str, Block]) -> Closed:
    """`made` are the blocks that commitments make."""
    found = _Found()
    for promise in layout.agreed.promises:
        found.commitment(promise.block, committed.left[promise.block.id], made.get(promise.block.id), layout)
    for block in credited.blocks:
        found.credit(block, credited, layout)
    return Closed(tuple(found.changes), found.closing())


class _Found(msgspec.Struct):
    """What was found of the blocks so far."""

    changes: list[Change] = []
    blocks: list[Block] = []
    drawn: list[BlockDrawn] = []
    counted: list[CommitmentCounted] = []
    kept: list[Kept] = []

    def closing(self) -> Balances:
        if not (self.blocks or self.drawn or self.counted or self.kept):
            return EMPTY
        return Balances(
            blocks=tuple(self.blocks),
            drawn=tuple(self.drawn),
            counted=tuple(self.counted),
            kept=tuple(self.kept),
        )

    def commitment(self, block: Block, left: int, made: Block | None, layout: Layout) -> None:
        used = block.amount_minor - left
        if not block.pays:
            # that of one that ends says what counted in the period, for what comes late
            self.counted += [CommitmentCounted(block.id, used)] if used else []
        elif not _goes_on(block, layout):
            self.changes += _ending(block, left, made.amount_minor if made else 0)
        elif used:
            self.drawn.append(BlockDrawn(block.id, used))
        if made:
            self.changes.append(Change(made.id, "granted", made.effective, made.amount_minor))

    def credit(self, block: Block, credited: Credited, layout: Layout) -> None:
        left, own = credited.left[block.id], layout.agreed.granted.get(block.id)
        if not _goes_on(block, layout):
            self._ends(block, left, layout)
            return
        if own is None:  # no clause makes it again in the next period
            self.blocks.append(block)
        elif block.amount_minor != own:
            self.kept.append(Kept(block.id, block.amount_minor - own))
        if block.amount_minor != left:
            self.drawn.append(BlockDrawn(block.id, block.amount_minor - left))

    def _ends(self, block: Block, left: int, layout: Layout) -> None:
        refill = layout.agreed.refilled.get(block.id)
        kept = refill.kept(left) if refill else 0
        self.changes += _ending(block, left, min(kept, left))
        if refill and kept and block.ends is not None:
            self.changes.append(Change(refill.block, "granted", block.ends, kept))


def _rolled(promise: Promise, committed: Committed, layout: Layout) -> int:
    """What of a commitment goes on in another block: rounded down to whole minor units."""
    if _goes_on(promise.block, layout):
        return 0
    left = committed.left[promise.block.id]
    if not left:
        return 0
    if promise.clause.prepaid:
        exact = promise.clause.rollover_percent.scaleb(-2) * left
        return int(round_to(exact, 0, Rounding.DOWN))
    return left if promise.clause.when_short == "roll_over" and is_short(promise, layout) else 0


def _roll_over(promise: Promise, minor: int, layout: Layout) -> Block:
    block = promise.block
    assert block.ends is not None and layout.terms is not None
    return Block(
        block_id(block.id, "roll_over"),
        block.key,
        "roll_over",
        minor,
        block.ends,
        local_midnight(promise.window.next_end, layout.terms.timezone),
        block.ends,
        applies_to=block.applies_to,
        clauses=block.clauses,
    )


def _ending(block: Block, left: int, rolled: int) -> Iterator[Change]:
    assert block.ends is not None
    if rolled > 0:
        yield Change(block.id, "rolled_over", block.ends, rolled)
    if left > rolled:
        yield Change(block.id, "expiry", block.ends, left - rolled)


def _goes_on(block: Block, layout: Layout) -> bool:
    """Whether it lives on after the period, or the period itself goes on."""
    return block.ends is None or block.ends > layout.end or not layout.ended
