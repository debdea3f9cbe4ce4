"""A line while it is being priced: exact, not yet rounded."""

from decimal import Decimal

import msgspec

from shared.pricing.results import PricedSegment


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A line before settlement. Steps that change an exact amount, such as discounts, take a draft and return
    a draft."""

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
