"""Paid: commitments, credits, and what becomes of both at their end, over the slices of the period."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.pricing.balances import EMPTY, Balances
from shared.pricing.blocks import Block, Change, Draw
from shared.pricing.blocks.agreed import NOTHING_AGREED
from shared.pricing.layout import Layout
from shared.pricing.results import PricedLine
from shared.pricing.steps.closed import close, made_by_commitments
from shared.pricing.steps.committed import Committed, commit
from shared.pricing.steps.credited import credit
from shared.pricing.steps.sliced import slice_up


class Paid(msgspec.Struct, frozen=True, gc=False):
    """`lines` are those of commitments; `draws` are all that pay, and `committed` also knows those that only count. `left` is
    what of each block is left (its id → minor units).
    """

    lines: tuple[PricedLine, ...] = ()
    committed: Committed = Committed(())
    draws: tuple[Draw, ...] = ()
    left: Mapping[str, int] = {}
    blocks: tuple[Block, ...] = ()
    changes: tuple[Change, ...] = ()
    closing: Balances = EMPTY


UNPAID = Paid()


def pay(
    lines: Sequence[PricedLine],
    cuts: Sequence[tuple[datetime, Sequence[PricedLine]]],
    layout: Layout,
    opening: Balances,
) -> Paid:
    """Pay the lines of a period, which `cuts` have as they stand at each instant that cuts it. Nothing is done where
    nothing was agreed beforehand and nothing granted."""
    if layout.agreed is NOTHING_AGREED and not opening.blocks:
        return UNPAID
    committed = commit(slice_up(layout.start, layout.end, cuts, lines), layout, opening)
    made = made_by_commitments(committed, layout)
    credited = credit(committed, layout, opening, tuple(made.values()))
    closed = close(committed, credited, layout, made)
    return Paid(
        committed.lines,
        committed,
        credited.draws,
        {**committed.left, **credited.left},
        (*layout.agreed.paid_for.values(), *credited.blocks),
        closed.changes,
        closed.closing,
    )
