"""What is asked of the reconciliation."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Narrow:
    """What is looked at; None: all. `start` and `end` bound the time of the events, half-open; months turn in
    `timezone`."""

    start: datetime | None = None
    end: datetime | None = None
    customer: str | None = None
    type: str | None = None
    meter: str | None = None
    timezone: str = "UTC"

    @property
    def every_meter(self) -> bool:
        """Whether all meters are read; over the whole book those with a list price are."""
        return self.customer is not None or self.meter is not None


@dataclass(frozen=True, slots=True)
class Drill:
    """Which events of it. `after`: the (time, batch id, seq) of the last one seen."""

    bucket: str | None = None
    reason: str | None = None
    contract: str | None = None
    after: tuple[datetime, int, int] | None = None
