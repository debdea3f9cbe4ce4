"""Cap: what the settled lines of the period come to beyond its spending cap is taken back, and which lines it is taken
from is said, so that what follows sees what is left of each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from shared.pricing.layout import SpendBound
from shared.pricing.lines import CAP, NO_SPEND
from shared.pricing.results import PricedLine
from shared.pricing.steps.floor import spend_of
from shared.values.money import allocate

KEY = "cap"


class Capped(msgspec.Struct, frozen=True, gc=False):
    """The lines, a reduction among them where there is one, and what it takes of each other line: line id → minor
    units above zero, which sum to the reduction."""

    lines: Sequence[PricedLine]
    cut: Mapping[str, int] = {}

    @property
    def left(self) -> Sequence[PricedLine]:
        """What commitments and credits see: the lines as the reduction leaves them, itself aside."""
        if not self.cut:
            return self.lines
        return [
            msgspec.structs.replace(line, amount_minor=line.amount_minor - self.cut.get(line.line_id, 0))
            for line in self.lines
            if line.kind != CAP
        ]


def cap(settled: Sequence[PricedLine], most: SpendBound | None) -> Capped:
    """A reduction is split over the lines by the largest remainder; a line below zero, and one-off charges, are no part of
    it."""
    if most is None:
        return Capped(settled)
    beyond = spend_of(settled) - most.settled.minor
    if beyond <= 0:
        return Capped(settled)
    parts = allocate(beyond, [0 if line.kind in NO_SPEND else max(line.amount_minor, 0) for line in settled])
    cut = {line.line_id: part for line, part in zip(settled, parts, strict=True) if part}
    return Capped([*settled, _reduction(most, beyond)], cut)


def _reduction(most: SpendBound, beyond: int) -> PricedLine:
    return PricedLine(
        line_id=most.line_id,
        key=KEY,
        clause_id=most.last.clause_ids[0],
        clause_hash=most.last.hashes[0],
        version=most.last.version,
        kind=CAP,
        meter=None,
        description="Reduction to the spending cap",
        quantity=Decimal(1),
        amount_minor=-beyond,
    )
