"""A statement that is due to be priced: everything pricing needs but the usage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.pricing.inputs import VersionInForce
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
    #: Of the revision before: the price tag of an exception.
    subtotal_minor: int | None = None

    @property
    def reference(self) -> str:
        """What an exception about this statement names."""
        return f"{self.contract}:{self.period.start_date}"
