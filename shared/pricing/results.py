"""What pricing returns: settled lines, their segments, the balances that open the next period, the
explanation."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from shared.pricing.balances import EMPTY, Balances
from shared.pricing.blocks import Block, Change, Draw
from shared.pricing.explanation.step import Step


class PricedSegment(msgspec.Struct, frozen=True, gc=False):
    """One priced piece of a line: a span with one version of the clause, and one group. `quantity` is what was metered;
    `converted` what the line makes of it, where it makes something else. units = allowance + priced + unpriced."""

    start: datetime
    end: datetime
    version: int
    clause_hash: str
    group: dict[str, str]
    quantity: Decimal
    allowance: Decimal
    priced: Decimal
    exact: Decimal
    unpriced: Decimal = Decimal(0)
    converted: Decimal | None = None

    @property
    def units(self) -> Decimal:
        """What is covered or priced."""
        return self.quantity if self.converted is None else self.converted


class PricedLine(msgspec.Struct, frozen=True, gc=False):
    """A line, rounded once. `quantity` is what was metered; `version` and `clause_hash` are those last in
    force."""

    line_id: str
    key: str
    clause_id: str
    clause_hash: str
    version: int
    kind: str  # of lines.PRICED_KINDS
    meter: str | None
    description: str
    quantity: Decimal
    amount_minor: int
    segments: tuple[PricedSegment, ...] = ()


class LineAsked(NamedTuple):
    """What documents ask of a line, in minor units, and for how many units."""

    amount_minor: int
    quantity: Decimal


class PricedPeriod(msgspec.Struct, frozen=True, gc=False):
    """A whole service period. `subtotal_minor` is the sum of the lines; `difference` what a document made now asks
    for, by line id; `explanation`, line id → the steps that lead to its amount, in order, is empty unless
    asked for.

    `draws` are what of the lines is paid by `blocks`, those that may pay in the period; `changes` are what becomes of
    them at their end, once the period is final; `left`, block id → minor units, is what was left of each before that.
    `short` are blocks of what is asked for as short of commitments, for what comes late.
    """

    lines: tuple[PricedLine, ...]
    subtotal_minor: int
    difference: Mapping[str, LineAsked]
    closing: Balances = EMPTY
    explanation: Mapping[str, tuple[Step, ...]] = {}
    draws: tuple[Draw, ...] = ()
    blocks: tuple[Block, ...] = ()
    changes: tuple[Change, ...] = ()
    left: Mapping[str, int] = {}
    short: tuple[Block, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all lines, line after line."""
        return tuple(step for steps in self.explanation.values() for step in steps)

    @property
    def total_minor(self) -> int:
        """What is asked for in money."""
        return self.subtotal_minor - sum([draw.amount_minor for draw in self.draws])
