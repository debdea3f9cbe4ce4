"""Query parameters that narrow the reconciliation."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Query

from services.billing.conservation.domain.filters import Narrow
from shared.http.instants import Instant
from shared.http.months import Month, first_day
from shared.http.zones import Zone
from shared.values.fields import AskedEventType, AskedSubject, Key
from shared.values.period import month_after

Name = Annotated[Key | None, Query()]
Customer = Annotated[
    AskedSubject | None, Query(description="External id of a customer, or a subject without one")
]
From = Annotated[Instant | None, Query(alias="from", description="Events at or after this instant")]
To = Annotated[Instant | None, Query(description="Events before this instant")]


@dataclass(frozen=True)
class AskedUsage:
    """Whose usage of what and when, and the time zone that days are shown in."""

    customer: Customer = None
    meter: Name = None
    start: From = None
    to: To = None
    timezone: Zone = "UTC"

    def narrow(self) -> Narrow:
        return Narrow(self.start, self.to, self.customer, meter=self.meter, timezone=self.timezone)

    @property
    def is_whole(self) -> bool:
        """Nothing narrows the question."""
        return self.narrow() == Narrow(timezone=self.timezone)


@dataclass(frozen=True)
class AskedEvents:
    """Whose events of which type and meter."""

    customer: Customer = None
    type: Annotated[AskedEventType | None, Query()] = None
    meter: Name = None


@dataclass(frozen=True)
class AskedOwned:
    """Whose events of which type."""

    customer: Customer = None
    type: Annotated[AskedEventType | None, Query()] = None

    def narrow(self) -> Narrow:
        return Narrow(customer=self.customer, type=self.type)


@dataclass(frozen=True)
class AskedSpan:
    """A UTC month, or a span; explicit bounds go before."""

    month: Annotated[
        Month | None,
        Query(description="UTC month, such as 2013-03"),
    ] = None
    start: From = None
    to: To = None

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """From and before, each None where nothing bounds it."""
        if self.month is None:
            return self.start, self.to
        first = first_day(self.month)
        return self.start or _midnight(first), self.to or _midnight(month_after(first))


Usage = Annotated[AskedUsage, Depends()]
Events = Annotated[AskedEvents, Depends()]
Owned = Annotated[AskedOwned, Depends()]
Span = Annotated[AskedSpan, Depends()]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
