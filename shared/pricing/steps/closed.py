"""Closed: what becomes of blocks that end in the period, and what all of them hand to the next."""

from collections.abc import Iterator, Mapping

import msgspec

from shared.pricing.balances import EMPTY, Balances, BlockDrawn, CommitmentCounted, Kept
from shared.pricing.blocks import Block, Change
from shared.pricing.blocks.agreed import Promise
from shared.pricing.layout import Layout
from shared.pricing.lines import SHORTFALL
from shared.pricing.steps.committed import Committed, shortfall_block_id
from shared.pricing.steps.credited import Credited
from shared.pricing.steps.needed import ends_in, roll_over_id
from shared.values.money import Rounding, round_to
from shared.values.period import local_midnight


class Closed(msgspec.Struct, frozen=True, gc=False):
    """`changes` are what becomes of blocks at their end; `closing` opens the next period."""

    changes: tuple[Change, ...]
    closing: Balances


def made_by_commitments(
    committed: Committed, layout: Layout, lives_on: Mapping[str, int]
) -> dict[str, Block]:
    """Return the blocks that commitments make as they end in the period, by the id of what makes it: of what is left of a
    prepaid one its share, and what is short of one that rolls over. `lives_on`: what else was left then."""
    made: dict[str, Block] = {}
    for promise in layout.agreed.ending:
        own = promise.block.id
        minor = _rolled(promise, committed.left[own] + lives_on.get(own, 0))
        if minor > 0:
            made[own] = _roll_over(promise, minor, layout)
    return made


def billed_short(committed: Committed, layout: Layout) -> tuple[Block, ...]:
    """Return a block for what is asked for as short of each commitment that ends in the period, of its own time: what comes
    late draws on it. None where it rolls over, as it pays what comes then."""
    found: list[Block] = []
    for promise in layout.agreed.short:
        minor = committed.short[promise.block.id]
        if promise.clause.when_short == "true_up" and minor > 0:
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
    return [_roll_over(promise, 0, layout) for promise in layout.agreed.ending]


def close(committed: Committed, credited: Credited, layout: Layout, made: Mapping[str, Block]) -> Closed:
    """`made` are the blocks that commitments make."""
    found, ending = _Found(), layout.agreed.ending
    for promise in layout.agreed.promises:
        own = promise.block.id
        found.commitment(promise, committed.left[own], made.get(own), ends=promise in ending)
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

    def commitment(self, promise: Promise, left: int, made: Block | None, *, ends: bool) -> None:
        block = promise.block
        used = block.amount_minor - left
        if not block.pays:
            # that of one that ends says what counted in the period, for what comes late
            self.counted += [CommitmentCounted(block.id, used)] if used else []
        elif ends:
            self.changes += _ending(block, left, made.amount_minor if made else 0)
        elif used:
            self.drawn.append(BlockDrawn(block.id, used))
        if made:
            self.changes.append(Change(made.id, "granted", made.effective, made.amount_minor))

    def credit(self, block: Block, credited: Credited, layout: Layout) -> None:
        left, own = credited.left[block.id], layout.agreed.granted.get(block.id)
        if ends_in(block, layout):
            self._ends(block, left, credited.kept, layout)
            return
        if own is None:  # no clause makes it again in the next period
            self.blocks.append(block)
        elif block.amount_minor != own:
            self.kept.append(Kept(block.id, block.amount_minor - own))
        if block.amount_minor != left:
            self.drawn.append(BlockDrawn(block.id, block.amount_minor - left))

    def _ends(self, block: Block, left: int, kept_by: Mapping[str, int], layout: Layout) -> None:
        refill = layout.agreed.refilled.get(block.id)
        kept = kept_by.get(refill.block, 0) if refill else 0
        self.changes += _ending(block, left, min(kept, left))
        if refill and kept and block.ends is not None:
            self.changes.append(Change(refill.block, "granted", block.ends, kept))


def _rolled(promise: Promise, left: int) -> int:
    """What of a commitment that ends goes on in another block: rounded down to whole minor units."""
    if not left:
        return 0
    if promise.clause.prepaid:
        exact = promise.clause.rollover_percent.scaleb(-2) * left
        return int(round_to(exact, 0, Rounding.DOWN))
    return left if promise.clause.when_short == "roll_over" else 0


def _roll_over(promise: Promise, minor: int, layout: Layout) -> Block:
    block = promise.block
    assert block.ends is not None and layout.terms is not None
    return Block(
        roll_over_id(block),
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
