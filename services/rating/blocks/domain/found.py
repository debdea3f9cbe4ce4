"""A block as it stands, with the sum of each kind of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from shared.pricing.blocks.block import BlockKind


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """`sums`: kind of row → what its rows add, in minor units; `customer` is an external id;
    `contracts` draw on it in this order. `cost_basis`: what is paid for a unit of it, None: 1, or it is given; with one, what was
    paid for what is refunded, and for what is left but for what open statements draw."""

    block_id: str
    key: str
    kind: BlockKind
    currency: str
    customer: str
    contracts: Sequence[str]
    effective: datetime
    ends: datetime | None
    created_at: datetime
    priority: int | None
    applies_to: Sequence[str] | None
    clauses: Sequence[str]
    over: bool
    reason: str | None
    document: Literal["none", "prepayment"] | None
    returned_from: str | None
    cost_basis: Decimal | None
    refund_cost_minor: int | None
    cost_left_minor: int | None
    sums: Mapping[str, int]

    def sum_of(self, *kinds: str) -> int:
        return sum(self.sums.get(kind, 0) for kind in kinds)

    @property
    def left_minor(self) -> int:
        """Its balance."""
        return sum(self.sums.values())
