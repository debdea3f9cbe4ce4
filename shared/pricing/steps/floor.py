"""Floor: a top-up line where the settled lines of the period stay below its minimum."""

from collections.abc import Sequence
from decimal import Decimal

from shared.pricing.layout import SpendBound
from shared.pricing.lines import NO_SPEND, TOP_UP
from shared.pricing.results import PricedLine

KEY = "minimum_spend"


def spend_of(settled: Sequence[PricedLine]) -> int:
    """Return what the minimum and the cap of a period count, in minor units."""
    return sum([line.amount_minor for line in settled if line.kind not in NO_SPEND])


def lift(settled: Sequence[PricedLine], minimum: SpendBound | None) -> Sequence[PricedLine]:
    """Return the lines, with one that lifts them to the minimum where they are below it."""
    if minimum is None:
        return settled
    missing = minimum.settled.minor - spend_of(settled)
    return [*settled, _top_up(minimum, missing)] if missing > 0 else settled


def _top_up(minimum: SpendBound, missing: int) -> PricedLine:
    return PricedLine(
        line_id=minimum.line_id,
        key=KEY,
        clause_id=minimum.last.clause_ids[0],
        clause_hash=minimum.last.hashes[0],
        version=minimum.last.version,
        kind=TOP_UP,
        meter=None,
        description="Top-up to the minimum spend",
        quantity=Decimal(1),
        amount_minor=missing,
    )
