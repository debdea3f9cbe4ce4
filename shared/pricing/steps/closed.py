"""Closed: what becomes of blocks that end in the period, and what all of them hand to the next."""

from collections.abc import Iterator

import msgspec

from shared.pricing.balances import Balances, BlockDrawn, CommitmentCounted, Kept
from shared.pricing.blocks import Block, Change
from shared.pricing.blocks.agreed import Promise
from shared.pricing.layout import Layout
from shared.pricing.steps.committed import Committed, is_short
from shared.pricing.steps.credited import Credited
from shared.values.ids import block_id
from shared.values.money import Rounding, round_to
from shared.values.period import local_midnight


class Closed(msgspec.Struct, frozen=True, gc=False):
    """`changes` are what becomes of blocks at their end; `closing` opens the next period."""

    changes: tuple[Change, ...]
    closing: Balances


def made_by_commitments(committed: Committed, layout: Layout) -> list[Block]:
    """Return the blocks that commitments make as they end in the period: of what is left of a prepaid one its share,
    and what is short of one that rolls over."""
    made = []
    for promise in layout.agreed.promises:
        minor = _rolled(promise, committed, layout)
        if minor > 0:
            made.append(_roll_over(promise, minor, layout))
    return made


def close(committed: Committed, credited: Credited, layout: Layout) -> Closed:
    return Closed(
        (*_ends_of_commitments(committed, layout), *_ends_of_credits(credited, layout)),
        Balances(
            blocks=tuple(_granted(credited, layout)),
            drawn=tuple(_drawn(committed, credited, layout)),
            counted=tuple(_counted(committed, layout)),
            kept=tuple(_kept(credited, layout)),
        ),
    )


def _rolled(promise: Promise, committed: Committed, layout: Layout) -> int:
    """What of a commitment goes on in another block: rounded down to whole minor units."""
    left = committed.left[promise.block.id]
    if _goes_on(promise.block, layout):
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


def _ends_of_commitments(committed: Committed, layout: Layout) -> Iterator[Change]:
    for promise in layout.agreed.promises:
        if promise.block.pays and not _goes_on(promise.block, layout):
            rolled = _rolled(promise, committed, layout)
            yield from _ending(promise.block, committed.left[promise.block.id], rolled)
        minor = _rolled(promise, committed, layout)
        if minor > 0:
            block = _roll_over(promise, minor, layout)
            yield Change(block.id, "granted", block.effective, minor)


def _ends_of_credits(credited: Credited, layout: Layout) -> Iterator[Change]:
    refills = {refill.after: refill for refill in layout.agreed.refills}
    for block in credited.blocks:
        if not _goes_on(block, layout):
            left = credited.left[block.id]
            refill = refills.get(block.id)
            kept = refill.kept(left) if refill else 0
            yield from _ending(block, left, min(kept, left))
            if refill and kept and block.ends is not None:
                yield Change(refill.block, "granted", block.ends, kept)


def _ending(block: Block, left: int, rolled: int) -> Iterator[Change]:
    assert block.ends is not None
    if rolled > 0:
        yield Change(block.id, "rolled_over", block.ends, rolled)
    if left > rolled:
        yield Change(block.id, "expiry", block.ends, left - rolled)


def _goes_on(block: Block, layout: Layout) -> bool:
    """Whether it lives on after the period, or the period itself goes on."""
    return block.ends is None or block.ends > layout.end or not layout.ended


def _granted(credited: Credited, layout: Layout) -> Iterator[Block]:
    """The blocks that no clause makes again in the next period."""
    by_clause = {block.id for block in layout.agreed.credits}
    for block in credited.blocks:
        if block.id not in by_clause and _goes_on(block, layout):
            yield block


def _drawn(committed: Committed, credited: Credited, layout: Layout) -> Iterator[BlockDrawn]:
    promised = [(one.block, committed.left) for one in layout.agreed.promises if one.block.pays]
    for block, left in [*promised, *[(block, credited.left) for block in credited.blocks]]:
        drawn = block.amount_minor - left[block.id]
        if drawn and _goes_on(block, layout):
            yield BlockDrawn(block.id, drawn)


def _counted(committed: Committed, layout: Layout) -> Iterator[CommitmentCounted]:
    for promise in layout.agreed.promises:
        counted = promise.block.amount_minor - committed.left[promise.block.id]
        if counted and not promise.block.pays and _goes_on(promise.block, layout):
            yield CommitmentCounted(promise.block.id, counted)


def _kept(credited: Credited, layout: Layout) -> Iterator[Kept]:
    own = {block.id: block.amount_minor for block in layout.agreed.credits}
    for block in credited.blocks:
        kept = block.amount_minor - own.get(block.id, block.amount_minor)
        if kept and _goes_on(block, layout):
            yield Kept(block.id, kept)
