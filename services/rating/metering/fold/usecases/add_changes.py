"""Add changes to the packed rows and to the items. Whoever does holds the epoch: there is one writer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.activity.usecases.know_takers import know_takers
from services.rating.metering.domain.delta import Delta, SeriesKey
from services.rating.metering.fold.domain.changes import Change, Changes, changes_of, numbered
from services.rating.metering.fold.domain.packed import (
    ItemHour,
    Packed,
    Place,
    Written,
    element_of,
    numbers_of,
)
from services.rating.metering.fold.domain.rolled_up import RolledUp
from services.rating.metering.fold.memory import (
    NAMES_BYTES_MAX,
    Admitting,
    FoldMemory,
    KnownGroups,
    Readable,
)
from services.rating.metering.fold.repository.packed import DAYS, HOURS, Kept, PackedRepository
from services.rating.metering.fold.usecases.admit_groups import Terms, admit_groups
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.repository.names import NamesRepository
from services.rating.metering.usecases.report import report_long_groups, report_overflow
from shared.db.unit_of_work import UnitOfWork
from shared.values.names import UNMETERED
from shared.values.recent import Budget


@dataclass(frozen=True, slots=True)
class Holding:
    """What the holder of the packed rows remembers, and which days were rolled up when it took them."""

    memory: FoldMemory
    rolled_up: RolledUp


async def add_admitting(
    uow: UnitOfWork, changes: Changes, holding: Holding, batch_id: int, now: datetime
) -> Written:
    """Admit the groups of these changes, as of a batch, and add them up; return what that came to."""
    await _follow_catalogue(uow, holding.memory)
    return await _add_by(uow, changes, holding, Terms(holding.memory.admitting, batch_id), now)


async def add_by_terms_before(
    uow: UnitOfWork, deltas: Sequence[Delta], holding: Holding, batch_id: int, now: datetime
) -> Written:
    """The same of deltas that were made by terms of before, as far as these are read still. A meter has only one such
    version among them: all that is stored is folded before its terms change."""
    now_in_force, read = holding.memory.admitting, holding.memory.readable
    since = {meter: revision for delta in deltas for meter, revision, _ in delta.series}
    changes = changes_of(deltas)
    changes.leave_out({meter for meter, revision in since.items() if read.since_of(meter) != revision})
    meters = await CatalogueRepository(uow.connection).versions_since(since)
    admitting = replace(now_in_force, meters=meters, known=KnownGroups(Budget(NAMES_BYTES_MAX)))
    return await _add_by(uow, changes, holding, Terms(admitting, batch_id), now)


async def _add_by(
    uow: UnitOfWork, changes: Changes, holding: Holding, terms: Terms, now: datetime
) -> Written:
    turned_away = await admit_groups(uow, changes, holding.memory, terms)
    written = await add_changes(uow, changes, holding)
    await report_overflow(uow, turned_away.no_room, holding.memory.groups_max, now)
    await report_long_groups(uow, turned_away.too_long, now)
    return written


async def add_changes(uow: UnitOfWork, changes: Changes, holding: Holding) -> Written:
    """Add what changes, in groups that are admitted: to hours, and to days that are rolled up."""
    memory = holding.memory
    series = numbered(changes, await _number_series(uow, changes, memory))
    packed = PackedRepository(uow.connection)
    rows, fresh = await _rows(uow, changes.sums, memory)
    if rows:
        _add(rows, changes.sums, series)
        await packed.write(HOURS, rows)
        memory.rows.keep(rows)
    if late := changes.of_days(holding.rolled_up):
        stored = await _stored(uow, DAYS, list(late), memory)
        days = {at: stored.get(at) or Packed() for at in late}
        _add(days, late, series)
        await packed.write(DAYS, days)
    items = {
        (subject, series[place], hour, item): events
        for (subject, place, hour, item), events in changes.items.items()
        if events
    }
    with_role = {name for name, meter in memory.admitting.meters.items() if meter.role}
    told = any(meter in with_role for meter, _, _ in changes.series)
    changed = await packed.add_items(items, told=told) if items else set[ItemHour]()
    return Written(rows, frozenset(fresh), frozenset(changed))


def _add(rows: Mapping[Place, Packed], sums: Mapping[Place, list[Change]], series: Sequence[int]) -> None:
    elements = [element_of(number) for number in series]
    for at, changes in sums.items():
        add = rows[at].add
        for place, events, scale, value in changes:
            add(elements[place], events, scale, value)


async def _rows(
    uow: UnitOfWork, places: Iterable[Place], memory: FoldMemory
) -> tuple[dict[Place, Packed], list[Place]]:
    """The rows at these places, as remembered or as stored, and the places of those that are new."""
    rows, unknown = memory.rows.among(places)
    stored = await _stored(uow, HOURS, unknown, memory)
    fresh = [at for at in unknown if at not in stored]
    return rows | stored | {at: Packed() for at in fresh}, fresh


async def _stored(
    uow: UnitOfWork, kept: Kept, places: Sequence[Place], memory: FoldMemory
) -> dict[Place, Packed]:
    """The rows at these places as they are stored, less what nobody reads any more."""
    stored = await PackedRepository(uow.connection).read(kept, places) if places else {}
    if memory.replaced and stored:
        series = {number for row in stored.values() for number in numbers_of(row.series)}
        if unread := await NamesRepository(uow.connection).unread(series):
            for row in stored.values():
                row.drop(unread)
    return stored


async def _follow_catalogue(uow: UnitOfWork, memory: FoldMemory) -> None:
    """Read the meters, the named values and what readers see anew where that has changed. Who changes it holds
    the epoch."""
    catalogue = CatalogueRepository(uow.connection)
    revision = await catalogue.revision()
    if revision != memory.admitting.revision:
        meters = {meter.meter: meter for meter in await catalogue.meters()}
        names = await AdmissionRepository(uow.connection).names()
        memory.forget()
        memory.admitting = Admitting(memory.groups_max, KnownGroups(memory.budget), revision, meters, names)
        since = await NamesRepository(uow.connection).readable()
        memory.readable = Readable(memory.budget, since, await know_takers(uow, meters.values(), since))
        memory.replaced = await NamesRepository(uow.connection).any_unread()


async def _number_series(uow: UnitOfWork, changes: Changes, memory: FoldMemory) -> dict[SeriesKey, int]:
    """Number series that are new; plain counts of a type are read from their first series on."""
    names, numbers = NamesRepository(uow.connection), memory.series.among(changes.series)
    if fresh := sorted(changes.series.keys() - numbers.keys()):
        found = await names.series_numbers(fresh)
        memory.series.remember(found)
        numbers |= found
        if types := [meter for meter, _, _ in fresh if meter.startswith(UNMETERED)]:
            await names.read_types(types)
    return numbers
