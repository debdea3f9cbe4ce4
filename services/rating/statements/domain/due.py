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
    subtotal_minor: int | None = None  # of the revision before: the price tag of an exception

    @property
    def reference(self) -> str:
        """What an exception about this statement names."""
        return f"{self.contract}:{self.period.start_date}"


def due_statement(row: Any, chain: tuple[VersionInForce, ...]) -> DueStatement:
    """Return the due statement of a claimed row."""
    return DueStatement(
        contract=row["contract"],
        customer_id=row["customer_id"],
        customer=row["external_id"],
        period=period_of(row, chain[-1].terms.timezone),
        close_due_at=row["close_due_at"],
        chain=chain,
        previous_revision=row["revision"],
        closing=row["closing"],
        opening=row["opening"],
        held=row["held"],
        subtotal_minor=row["subtotal_minor"],
    )


def period_of(row: Any, timezone: str) -> ServicePeriod:
    """Return the service period of a row of `periods`."""
    return ServicePeriod(
        start=row["period_start"],
        end=row["period_end"],
        start_date=row["start_date"],
        end_date=row["end_date"],
        whole_days=row["whole_days"],
        billed_days=(row["end_date"] - row["start_date"]).days + 1,
        timezone=timezone,
    )
