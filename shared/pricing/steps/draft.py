"""A line while it is being priced: exact, not yet rounded."""

from dataclasses import dataclass
from decimal import Decimal

from shared.pricing.results import PricedSegment


@dataclass(frozen=True, slots=True)
class Draft:
    """A line before settlement. Steps that change an exact amount, such as discounts, take a draft and return a draft."""

    key: str
    kind: str
    clause_id: str
    clause_hash: str
    version: int
    description: str
    quantity: Decimal
    exact: Decimal
    meter: str | None = None
    segments: tuple[PricedSegment, ...] = ()
