"""A statement that is due to be priced: everything pricing needs but the usage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.rating.statements.domain.balances import from_stored
from shared.pricing.balances import Balances
from shared.pricing.blocks import Block
from shared.pricing.inputs import VersionInForce
from shared.pricing.results import PricedPeriod
from shared.values.period import ServicePeriod


@dataclass(frozen=True, slots=True)
class DueStatement:
    """`previous_revision` is 0 before the first pricing; `closing` is what the revision before handed to the
    next period."""

    contract: str
    customer_id: str
    customer: str
    period: ServicePeriod
    close_due_at: datetime
    chain: tuple[VersionInForce, ...]
    previous_revision: int
    closing: Sequence[Any]
    opening: Sequence[Any]  # closing balances of the period before, as stored
    held: bool  # pricing failed before
    final: bool = False  # this is its last revision
    #: Blocks that calls granted to the contract.
    granted: tuple[Block, ...] = ()
    #: Of the revision before: the price tag of an exception.
    subtotal_minor: int | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks that it draws on and that no clause makes by itself."""
        return (*from_stored(self.opening).blocks, *self.granted)

    @property
    def reference(self) -> str:
        """What an exception about this statement names."""
        return f"{self.contract}:{self.period.start_date}"


@dataclass(frozen=True, slots=True)
class PricedStatement:
    """A statement as it was priced, and what it was opened with."""

    due: DueStatement
    opening: Balances
    priced: PricedPeriod

    @property
    def closing(self) -> Balances:
        """What is handed to the next period. What was drawn on blocks, and those that calls granted, are in tables of
        their own."""
        closing = self.priced.closing
        if not (closing.blocks or closing.drawn):
            return closing
        granted = {block.id for block in self.due.granted}
        kept = tuple([block for block in closing.blocks if block.id not in granted])
        return msgspec.structs.replace(closing, blocks=kept, drawn=())
