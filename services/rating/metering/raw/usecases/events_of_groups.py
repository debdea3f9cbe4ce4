"""Find the events of some groups of a meter, by way of the hours in which their aggregates stand."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.rating.metering.domain.group import NO_GROUP, dimensions_of
from services.rating.metering.domain.span import HOUR
from services.rating.metering.raw.repository import RawRepository
from services.rating.metering.raw.rows import Selection
from services.rating.metering.raw.usecases.events_behind import CountedEvent, events_behind
from shared.db.unit_of_work import UnitOfWork

PAGE = 1000
#: Of a group, in the order of the dimensions asked.
Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupsAsked:
    """Groups of a meter's usage of some subjects in [start, end)."""

    subjects: tuple[str, ...]
    meter: str
    start: datetime
    end: datetime
    dimensions: tuple[str, ...]
    groups: Collection[Values]

    def holds(self, event: CountedEvent) -> bool:
        found = dimensions_of(event.group) if event.group != NO_GROUP else {}
        return tuple(found.get(name, "") for name in self.dimensions) in self.groups


Hours = Sequence[tuple[datetime, int]]


async def hours_of(uow: UnitOfWork, asked: GroupsAsked) -> Hours:
    """Return the UTC hours in which the groups have events that are not void, and how many, those of an hour
    outside [start, end) left out."""
    rows = await RawRepository(uow.connection).hours_of_groups(
        asked.subjects, asked.meter, asked.start, asked.end, asked.dimensions, asked.groups
    )
    found = []
    for hour, events in rows:
        whole = asked.start <= hour and hour + HOUR <= asked.end
        found.append((hour, events if whole else len(await _in_hour(uow, asked, hour, None))))
    return found


async def first_events(uow: UnitOfWork, asked: GroupsAsked, hours: Hours, limit: int) -> list[CountedEvent]:
    """Return up to `limit` events of the groups, in order of time; `hours` as `hours_of` found them."""
    found: list[CountedEvent] = []
    for hour, events in hours:
        if len(found) >= limit:
            break
        if events:
            found += await _in_hour(uow, asked, hour, limit - len(found))
    return found[:limit]


async def _in_hour(
    uow: UnitOfWork, asked: GroupsAsked, hour: datetime, limit: int | None
) -> list[CountedEvent]:
    """The events of the groups in an hour, as far as [start, end) goes; all of them where there is no
    limit."""
    selection = Selection(
        asked.subjects, asked.meter, max(hour, asked.start), min(hour + HOUR, asked.end), {}
    )
    found: list[CountedEvent] = []
    after = None
    while limit is None or len(found) < limit:
        page = await events_behind(uow, selection, after, PAGE)
        found += [event for event in page if asked.holds(event)]
        if len(page) < PAGE:
            break
        after = page[-1].place
    return found
