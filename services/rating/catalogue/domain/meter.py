"""A meter: how events of one type become a quantity."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from decimal import Decimal
from typing import Literal

from services.rating.metering.domain.aggregations.aggregation import Aggregation, Role
from shared.errors import AppError, Kind

Missing = Literal["quarantine", "ignore"]


class MeterNotFound(AppError):
    """There is no such meter."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What one unit is worth where no contract says otherwise: values suspense."""

    currency: str
    unit: Decimal


@dataclass(frozen=True, slots=True)
class Meter:
    """`field` (where the aggregation reads one) is a dotted path into `data`; `filters` must all match;
    `group_by` is sorted.

    `counts_since`: the revision of the oldest terms that count as these do; a new list price leaves it as it
    is.
    """

    meter: str
    event_type: str
    aggregation: Aggregation
    field: str | None = None
    filters: Mapping[str, tuple[str, ...]] = default(default_factory=dict)
    group_by: tuple[str, ...] = ()
    missing: Missing = "quarantine"
    list_price: ListPrice | None = None
    role: Role | None = None
    heartbeat_s: int | None = None
    revision: int = 0
    backfilled: bool = True
    counts_since: int = default(default=0, compare=False)

    def counts_alike(self, other: "Meter") -> bool:
        """Whether every event contributes the same to both: nothing has to be added up again."""
        return (self.event_type, self.aggregation, self.field, dict(self.filters), self.group_by) == (
            other.event_type,
            other.aggregation,
            other.field,
            dict(other.filters),
            other.group_by,
        )
