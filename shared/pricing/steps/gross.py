"""Gross: what each line costs by its price, exact."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from shared.pricing.lines import LineClause
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.placed import Placed
from shared.pricing.results import PricedSegment
from shared.pricing.steps.covered import Covered
from shared.pricing.steps.without_rate import in_full

_ZERO = Decimal(0)


class Gross(msgspec.Struct, frozen=True, gc=False):
    """A line with its segments: `quantity` is what was metered, `exact` what it costs, not rounded."""

    line: Placed[LineClause]
    segments: tuple[PricedSegment, ...]
    quantity: Decimal
    exact: Decimal


def price(covered: Sequence[Covered]) -> list[Gross]:
    """Raises NoRateForGroup."""
    return [_gross(line) for line in covered]


def _gross(covered: Covered) -> Gross:
    line, segments = covered.line, covered.line.segments
    if covered.turns:
        try:
            segments = tuple(type(line.last.clause).gross(line.stretches, covered.turns))
        except NoRateForGroup as fault:
            raise in_full(fault, line, [turn.counted for turn in covered.turns]) from fault
    quantity = exact = _ZERO
    for segment in segments:
        quantity += segment.quantity
        exact += segment.exact
    return Gross(line, segments, quantity, exact)
