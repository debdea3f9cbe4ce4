"""Verb: page through the events behind a quantity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.aggregates_repository import AggregatesRepository
from services.rating.metering.domain.group import NO_GROUP, OTHER, dimensions_of
from services.rating.metering.domain.tally import Catalogue
from services.rating.metering.grouping import Admission
from services.rating.metering.raw.repository import Place, RawRepository
from services.rating.metering.readings import Apart, MeterGone
from services.rating.metering.readings_repository import ReadingsRepository

FETCH_MAX = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """Events of these subjects that a meter counts in [start, end), what stands `apart` left out.

    `group`: asked dimensions; `before_batch`: partition → last batch id.
    """

    subjects: tuple[str, ...]
    meter: str
    start: datetime
    end: datetime
    group: Mapping[str, str]
    before_batch: Mapping[str, int] | None = None
    apart: tuple[Apart, ...] = ()
    revision: int | None = None                   # of the meter's version to count by; None: as it counts now

    def leaves_out(self, row: Any) -> bool:
        return any(apart.covers(row["subject"], row["time"], row["partition"], row["batch_id"]) for apart in self.apart)


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event and what it added: `value` of count and sum, `item` of unique."""

    row: asyncpg.Record
    group: str
    value: Decimal | int
    item: str | None

    @property
    def place(self) -> Place:
        return self.row["time"], self.row["batch_id"], self.row["seq"]


async def events_behind(connection: asyncpg.Connection, selection: Selection, after: Place | None, limit: int) -> list[CountedEvent]:
    """Return up to `limit` events after a place, in order of time. Raises MeterGone."""
    catalogue = CatalogueRepository(connection)
    now = await catalogue.meter(selection.meter)
    meter = now if selection.revision is None else await catalogue.version(selection.meter, selection.revision)
    if meter is None:
        raise MeterGone(f"there is no meter {selection.meter!r}")
    raw, reader = RawRepository(connection), Catalogue(0, [meter])
    # The aggregates, and so what is in them, are those of the present version.
    alike = now is not None and meter.counts_alike(now)
    admission = await _admission(connection, selection, meter.aggregation == "unique") if alike else Admission(0)
    found: list[CountedEvent] = []
    while len(found) < limit:
        events = await raw.events(selection.subjects, meter.event_type, selection.start, selection.end, after, selection.before_batch, FETCH_MAX)
        for event, row in events:
            counted = None if selection.leaves_out(row) else _counted(reader, admission, event, row)
            if counted is not None and _in_group(counted.group, selection.group):
                found.append(counted)
        if len(events) < FETCH_MAX:
            break
        after = (events[-1][1]["time"], events[-1][0].batch_id, events[-1][0].seq)
    return found[:limit]


def _counted(reader: Catalogue, admission: Admission, event: Any, row: asyncpg.Record) -> CountedEvent | None:
    tally = reader.tally([event])
    for (subject, meter, group, hour), change in tally.hours.items():
        return CountedEvent(row, admission.where_it_is(subject, meter, group, hour), change.value, None)
    for subject, meter, group, hour, item in tally.uniques:
        return CountedEvent(row, admission.where_it_is(subject, meter, group, hour), 1, item)
    return None


def _in_group(group: str, asked: Mapping[str, str]) -> bool:
    dimensions = dimensions_of(group) if group != NO_GROUP else {}
    return all(dimensions.get(name, "") == value for name, value in asked.items())


async def _admission(connection: asyncpg.Connection, selection: Selection, unique: bool) -> Admission:
    """Which groups are in, where the meter has too many: events beyond stand in `other`, as their aggregates do."""
    admission = Admission(0)
    for meter, month in await ReadingsRepository(connection).crowded([selection.meter], OTHER):
        table = "usage_uniques" if unique else "usage_days"
        admission.known[meter, month] = await AggregatesRepository(connection).groups_of(table, meter, month, selection.subjects)
    return admission
