"""Needed: what must be left of blocks as they end in the period, so that what was drawn on those that follow on them, and is
in documents, stays, and what lives on of them in others."""

from collections import Counter
from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from shared.pricing.balances import Balances
from shared.pricing.blocks import Block, Standing
from shared.pricing.blocks.agreed import Promise, Refilled
from shared.pricing.layout import Layout
from shared.values.ids import block_id
from shared.values.money import Rounding, round_quotient


class Needed(msgspec.Struct, frozen=True, gc=False):
    """`held_back` is how much of a block no late usage may draw on until it ends; `lives_on` is what came back to it after
    that and is another's, which was left at its end all the same (block id → minor units)."""

    held_back: Mapping[str, int] = {}
    lives_on: Mapping[str, int] = {}

    def of(self, blocks: Container[str]) -> dict[str, int]:
        """Return how much is held back of these blocks."""
        if not self.held_back:
            return {}
        return {block: minor for block, minor in self.held_back.items() if block in blocks}


NOTHING_NEEDED: Final = Needed()


def needed_of(layout: Layout, opening: Balances, stands: Standing, lives_on: Mapping[str, int]) -> Needed:
    """What rolled over is late usage's no more once it was drawn on. A period of which nothing is settled needs nothing."""
    if not (opening.drawn or stands.draws):
        return NOTHING_NEEDED
    drawn = Counter({row.block: row.amount_minor for row in opening.drawn})
    for one in stands.draws:
        drawn[one.block] += one.amount_minor
    found = dict[str, int]()
    for refill in reversed(layout.agreed.refills):
        wanted = drawn[refill.block] + found.get(refill.block, 0) - layout.agreed.granted[refill.block]
        found[refill.after] = _of_refill(refill, wanted, lives_on.get(refill.after, 0))
    for promise in layout.agreed.ending:
        own = promise.block.id
        found[own] = _of_promise(promise, drawn[roll_over_id(promise.block)], lives_on.get(own, 0))
    return Needed({block: minor for block, minor in found.items() if minor > 0}, lives_on)


def _of_refill(refill: Refilled, wanted: int, lives_on: int) -> int:
    """What must be left beside what lives on. What is guaranteed is kept whatever is left, and beyond the most that is kept
    the rest lives on."""
    least = wanted if wanted > refill.least_minor else 0
    rest = lives_on + (refill.most_minor or 0) if lives_on else 0
    return max(least, rest) - lives_on


def _of_promise(promise: Promise, wanted: int, lives_on: int) -> int:
    """The same of a commitment: its share, rounded down, rolls over, and of the rest lives on what does."""
    if not promise.clause.prepaid:
        return wanted
    share = promise.clause.rollover_percent
    least = int(round_quotient(Decimal(wanted * 100), share, 0, Rounding.CEILING)) if wanted > 0 else 0
    beyond = Decimal((lives_on - 1) * 100)
    rest = int(round_quotient(beyond, 100 - share, 0, Rounding.FLOOR)) + 1 if lives_on else 0
    return max(least, rest) - lives_on


def ends_in(block: Block, layout: Layout) -> bool:
    """Whether it ends in the period, which itself is over."""
    return layout.ended and block.ends is not None and block.ends <= layout.end


def roll_over_id(block: Block) -> str:
    """The block that what is left of a commitment's period makes."""
    return block_id(block.id, "roll_over")
