"""The spending minimum: a top-up line where the settled lines of the period stay below it."""

from collections.abc import Sequence
from decimal import Decimal

from shared.pricing.explanation import Explanation
from shared.pricing.layout import Minimum
from shared.pricing.lines import TOP_UP
from shared.pricing.results import PricedLine
from shared.values.money import Money

KEY = "minimum_spend"


def top_up(minimum: Minimum, lines: Sequence[PricedLine], explanation: Explanation) -> PricedLine | None:
    """Return the line that lifts the settled lines to the minimum, or None."""
    missing = minimum.settled.minor - sum(line.amount_minor for line in lines)
    if missing <= 0:
        return None
    clause, to = minimum.last.origins[0].clause_id, minimum.settled.currency
    explanation.add(
        "minimum",
        clause,
        f"top-up to the minimum of {minimum.settled} {to.code}",
        amount=Money(missing, to).to_decimal(),
    )
    return PricedLine(
        line_id=minimum.line_id,
        key=KEY,
        clause_id=clause,
        clause_hash=minimum.last.hash,
        version=minimum.last.version,
        kind=TOP_UP,
        meter=None,
        description="Top-up to the minimum spend",
        quantity=Decimal(1),
        amount_minor=missing,
    )
