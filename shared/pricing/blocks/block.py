"""A block: an amount of money that lines draw on, by event time."""

from datetime import datetime
from typing import Literal

import msgspec

BlockKind = Literal["prepaid", "promotional", "commitment", "roll_over", "shortfall"]


class Block(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """It pays for what happens from `effective` up to `ends` (exclusive; None: it never ends).

    `key` is that of its clause, or its own id. `amount_minor` is what was granted, and added or taken back since.
    `created` is when it came to be known. `applies_to` names lines by key or kind; None: all. `clauses` are the ids of
    those that it comes from, its own first; empty: no clause made it. A commitment that does not `pay` counts what is
    asked for all the same. `pro_rata`: what it has is split over its lines by their amounts.
    """

    id: str
    key: str
    kind: BlockKind
    amount_minor: int
    effective: datetime
    ends: datetime | None
    created: datetime
    priority: int | None = None
    class_: Literal["first", "normal", "last"] = "normal"
    applies_to: tuple[str, ...] | None = None
    clauses: tuple[str, ...] = ()
    pays: bool = True
    pro_rata: bool = False

    def may_pay(self, key: str, kind: str, start: datetime, end: datetime) -> bool:
        """Whether it may pay what a line of this key and kind comes to between two instants, of which neither cuts it."""
        return (
            self.effective <= start
            and (self.ends is None or end <= self.ends)
            and (self.applies_to is None or key in self.applies_to or kind in self.applies_to)
        )


class Draw(msgspec.Struct, frozen=True, gc=False):
    """What of a line a block pays, of the slice of the period that begins at `slice_start`; below zero: returned."""

    block: str
    line_id: str
    slice_start: datetime
    amount_minor: int


class Change(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a block besides draws: `expiry` is what lapses at `at`, `rolled_over` what goes on in another
    block then, `granted` what that one has of it. Not below zero."""

    block: str
    kind: Literal["expiry", "rolled_over", "granted"]
    at: datetime
    amount_minor: int
