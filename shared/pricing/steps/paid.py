"""Paid: commitments, credits, and what becomes of both at their end, over the slices of the period."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.pricing.balances import EMPTY, Balances
from shared.pricing.blocks import NOTHING_STANDS, Block, Change, Draw, Standing, standing
from shared.pricing.blocks.agreed import NOTHING_AGREED
from shared.pricing.facts import NO_FACTS, Facts
from shared.pricing.layout import Layout
from shared.pricing.results import PricedLine
from shared.pricing.steps.closed import billed_short, close, made_by_commitments, rolls_over_to
from shared.pricing.steps.committed import Committed, commit
from shared.pricing.steps.credited import Credited, Paying, credit
from shared.pricing.steps.late_use import late_of
from shared.pricing.steps.needed import needed_of
from shared.pricing.steps.sliced import slice_up


class Paid(msgspec.Struct, frozen=True, gc=False):
    """`lines` are those of commitments; `draws` are all that pay, and `committed` also knows those that only count. `left` is
    what of each block is left (its id → minor units); `short` are blocks of what is asked for as short.
    """

    lines: tuple[PricedLine, ...] = ()
    committed: Committed = Committed(())
    draws: tuple[Draw, ...] = ()
    left: Mapping[str, int] = {}
    blocks: tuple[Block, ...] = ()
    changes: tuple[Change, ...] = ()
    closing: Balances = EMPTY
    short: tuple[Block, ...] = ()


UNPAID = Paid()


def pay(
    lines: Sequence[PricedLine],
    cuts: Sequence[tuple[datetime, Sequence[PricedLine]]],
    layout: Layout,
    opening: Balances,
    facts: Facts = NO_FACTS,
) -> Paid:
    """Pay the lines of a period, which `cuts` have as they stand at each instant that cuts it. Nothing is done where
    nothing was agreed beforehand and nothing granted."""
    if layout.agreed is NOTHING_AGREED and not opening.blocks:
        return UNPAID
    slices = slice_up(layout.start, layout.end, cuts, lines)
    stands = NOTHING_STANDS
    if facts.draws:
        stands = standing([one.dues for one in slices], facts.draws, _drawn_on(layout, opening))
    needed = needed_of(layout, opening, stands, facts.lives_on)
    committed = commit(slices, layout, opening, stands, needed)
    made = made_by_commitments(committed, layout, facts.lives_on)
    late = late_of(committed, layout, opening, facts.counted)
    beside = Paying(tuple(made.values()), stands, facts.draws, late, needed)
    credited = credit(committed, layout, opening, beside)
    if late and committed.short and (drawn_late := _drawn_late(late, credited, stands)):
        # what is short is what was promised beside that
        committed = commit(slices, layout, opening, stands, needed, drawn_late)
        beside = msgspec.structs.replace(beside, late=drawn_late)
        credited = credit(committed, layout, opening, beside)
    closed = close(committed, credited, layout, made)
    return Paid(
        committed.lines,
        committed,
        credited.draws,
        {**committed.left, **credited.left},
        (*layout.agreed.paid_for.values(), *credited.blocks),
        closed.changes,
        closed.closing,
        billed_short(committed, layout),
    )


def _drawn_late(late: Mapping[str, int], credited: Credited, stands: Standing) -> dict[str, int]:
    """What is drawn beside the draws that stand on blocks of what was asked for as short (block id → minor units)."""
    drawn = Counter[str]()
    for sign, draws in ((1, credited.draws), (-1, stands.draws)):
        for one in draws:
            if one.block in late:
                drawn[one.block] += sign * one.amount_minor
    return {block: minor for block, minor in drawn.items() if minor}


def _drawn_on(layout: Layout, opening: Balances) -> dict[str, Block]:
    """The blocks that may have been drawn on in the period, by id."""
    credits = (*layout.agreed.credits, *opening.blocks, *rolls_over_to(layout))
    return {**layout.agreed.paid_for, **{block.id: block for block in credits}}
