"""Page through the events behind a quantity."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import asyncpg

from services.rating.catalogue.domain.meter import MeterNotFound
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.domain.admission import Admission
from services.rating.metering.domain.group import NO_GROUP, dimensions_of
from services.rating.metering.domain.tally import Catalogue
from services.rating.metering.raw.repository import Place, RawRepository
from services.rating.metering.raw.rows import Selection
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.repository.usage import StoredEvent
from services.rating.metering.usage.usecases import Whose
from shared.db.unit_of_work import UnitOfWork

FETCH_MAX = 1000


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event and what it added: a number, or an `item` (`value`: 1)."""

    row: asyncpg.Record
    group: str
    value: Decimal | int
    item: str | None

    @property
    def place(self) -> Place:
        return self.row["time"], self.row["batch_id"], self.row["seq"]


async def subjects_meant(uow: UnitOfWork, whose: Whose) -> tuple[str, ...]:
    """The one subject that is asked for, or all of the customer's."""
    if whose.subject is not None:
        return (whose.subject,)
    return tuple(await RawRepository(uow.connection).subjects_of(whose.owner))


async def events_behind(
    uow: UnitOfWork, selection: Selection, after: Place | None, limit: int
) -> list[CountedEvent]:
    """Return up to `limit` events after a place, in order of time. Raises MeterNotFound."""
    catalogue = CatalogueRepository(uow.connection)
    name, revision = selection.meter, selection.revision
    meter = await catalogue.meter(name) if revision is None else await catalogue.version(name, revision)
    if meter is None:
        raise MeterNotFound(f"there is no meter {selection.meter!r}")
    raw, reader = RawRepository(uow.connection), Catalogue(0, [meter])
    admission = await AdmissionRepository(uow.connection).admission([meter], selection.subjects)
    found: list[CountedEvent] = []
    while len(found) < limit:
        events = await raw.events(selection, meter.event_type, after, FETCH_MAX)
        for event, row in events:
            counted = None if selection.leaves_out(row) else _counted(reader, admission, event, row)
            if counted is not None and _in_group(counted.group, selection.group):
                found.append(counted)
        if len(events) < FETCH_MAX:
            break
        after = (events[-1][1]["time"], events[-1][0].batch_id, events[-1][0].seq)
    return found[:limit]


def _counted(
    reader: Catalogue, admission: Admission, event: StoredEvent, row: asyncpg.Record
) -> CountedEvent | None:
    tally = reader.tally([event])
    for (subject, meter, group, hour), change in tally.sums.items():
        return CountedEvent(row, admission.where(subject, meter, group, hour), change.value, None)
    for subject, meter, group, hour, item in tally.items:
        return CountedEvent(row, admission.where(subject, meter, group, hour), 1, item)
    return None


def _in_group(group: str, asked: Mapping[str, str]) -> bool:
    dimensions = dimensions_of(group) if group != NO_GROUP else {}
    return all(dimensions.get(name, "") == value for name, value in asked.items())
