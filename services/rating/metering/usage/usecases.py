"""Read a series."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.rating.catalogue.domain.meter import MeterNotFound
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.customers.domain import CustomerNotFound
from services.rating.metering.repository.readings import SUBJECT_ALONE, ReadingsRepository
from services.rating.metering.usage.domain import Stretch, TimesReversed, TimeUnreadable, instant_of, windows
from services.rating.metering.usage.parameters import AskedSeries
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.values.groups import Group


class CustomerOrSubject(AppError):
    """Ask for a `customer` (all its subjects) or for one `subject`."""


class DimensionUnknown(AppError):
    """The meter does not keep usage apart by this dimension."""


#: What every question about a meter's usage may be refused with.
REFUSED = (
    CustomerOrSubject,
    CustomerNotFound,
    MeterNotFound,
    DimensionUnknown,
    TimeUnreadable,
    TimesReversed,
)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose usage is asked: `owner` as read_quantities takes it."""

    owner: str
    customer: str | None
    subject: str | None
    timezone: str


class Point(NamedTuple):
    """What a group used in one window, [start, end)."""

    start: datetime
    end: datetime
    group: Group
    value: Decimal


@dataclass(frozen=True, slots=True)
class Series:
    whose: Whose
    start: datetime
    end: datetime
    points: list[Point]


async def whose(uow: UnitOfWork, customer: str | None, subject: str | None) -> Whose:
    """Find a customer by external id, or take a subject as it is. Raises CustomerOrSubject,
    CustomerNotFound."""
    if (customer is None) == (subject is None):
        raise CustomerOrSubject()
    found = await ReadingsRepository(uow.connection).owner(customer, subject)
    if customer is not None:
        if found is None:
            raise CustomerNotFound(f"there is no customer {customer[:100]!r}")
        return Whose(found["customer_id"], customer, None, found["timezone"])
    return Whose(
        f"{SUBJECT_ALONE}{subject}",
        found["external_id"] if found else None,
        subject,
        found["timezone"] if found else "UTC",
    )


async def series(uow: UnitOfWork, owner: Whose, meter: str, asked: AskedSeries, now: datetime) -> Series:
    """Return the quantities of each window, in order; without dimensions also the zeros. Raises MeterNotFound,
    DimensionUnknown and what bounds raise."""
    meters = await CatalogueRepository(uow.connection).meters_read()
    known = meters.get(meter)
    if known is None:
        raise MeterNotFound(f"there is no meter {meter[:100]!r}")
    if unknown := set(asked.dimensions) - set(known.group_by):
        raise DimensionUnknown(
            f"{', '.join(sorted(unknown))}: meter {meter} has {', '.join(known.group_by) or 'no dimensions'}"
        )
    start, end = _bounds(asked, owner.timezone, now)
    cuts = list(windows(start, end, asked.window, owner.timezone))
    dimensions = tuple(sorted(asked.dimensions))
    found = await read_quantities(
        uow,
        [UsageAsked(owner.owner, Stretch(meter, lower, upper, dimensions)) for lower, upper in cuts],
        meters,
    )
    points = [
        Point(lower, upper, group, value)
        for (lower, upper), quantities in zip(cuts, found, strict=True)
        for group, value in sorted(quantities.items() or ([((), Decimal(0))] if not dimensions else ()))
    ]
    return Series(owner, start, end, points)


def _bounds(asked: AskedSeries, timezone: str, now: datetime) -> tuple[datetime, datetime]:
    """From the start of the local month to now, where not given."""
    month = (
        now.astimezone(ZoneInfo(timezone))
        .replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        .astimezone(UTC)
    )
    start = instant_of(asked.start, timezone) if asked.start else month
    end = (
        instant_of(asked.end, timezone)
        if asked.end
        else max(now.astimezone(UTC), start + timedelta(microseconds=1))
    )
    if start >= end:
        raise TimesReversed(f"from {start.isoformat()} to {end.isoformat()}")
    return start, end
