"""What a list of documents is asked for."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Every field that is given must match. `customer` is an external id; the service period must lie within
    the dates, both inclusive."""

    customer: str | None = None
    contract: str | None = None
    status: str | None = None
    kind: str | None = None
    currency: str | None = None
    number: str | None = None
    period_from: date | None = None
    period_to: date | None = None
