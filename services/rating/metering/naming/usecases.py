"""Naming: take note of named values, and count again what stands in `other` and is named now."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.backfill.repository import BackfillRepository
from services.rating.metering.domain.admission import Names, Own
from services.rating.metering.domain.delta import Numbers, delta_of
from services.rating.metering.domain.group import OTHER, GroupKey
from services.rating.metering.domain.scalar import label_of
from services.rating.metering.domain.tally import HOUR_US, Catalogue, Tally
from services.rating.metering.fold.domain.changes import changes_of
from services.rating.metering.fold.repository.state import FoldRepository
from services.rating.metering.fold.usecases.add_changes import Holding, add_changes
from services.rating.metering.fold.usecases.move_old_book import move_old_rows
from services.rating.metering.memory import KnownSubjects
from services.rating.metering.naming.repository import NamedValue, NamingRepository, SubjectMonth
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.usecases.number_subjects import number_subjects
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us, machine_us

__all__ = ["NamedValue", "SubjectMonth", "ask_recounts", "name_values", "recount_step"]
from shared.values.period import month_after


async def name_values(uow: UnitOfWork, named: Iterable[NamedValue]) -> list[SubjectMonth]:
    """Let these values be admitted from now on; return where something of their meters was turned away
    before.

    Values that are known already cost one question. New ones hold the fold and close the fence: whoever counts
    afterwards knows them. In this order, so that no batch waits for a fold.
    """
    naming = NamingRepository(uow.connection)
    wanted = sorted({value._replace(value=label_of(value.value)) for value in named})
    if not wanted or not await naming.unknown(wanted):
        return []
    await FoldRepository(uow.connection).claim()
    await BackfillRepository(uow.connection).close_fence()
    fresh = await naming.unknown(wanted)  # another contract may have been first
    if not fresh:
        return []
    await naming.name(fresh)
    await CatalogueRepository(uow.connection).move_revision(machine_us())
    return await naming.turned_away(sorted({value.meter for value in fresh}))


async def ask_recounts(uow: UnitOfWork, places: list[SubjectMonth]) -> None:
    """Let these be counted again; until that is done no period over them may close."""
    await NamingRepository(uow.connection).ask(places)


async def recount_asked(uow: UnitOfWork) -> bool:
    """Whether there is a month to count again."""
    return await NamingRepository(uow.connection).next() is not None


async def recount_step(uow: UnitOfWork, holding: Holding, *, events_max: int) -> bool:
    """Count one subject's month again, as far as it is folded: what is named now moves out of `other`, all of
    it in this transaction, which must hold the packed rows. False when none is asked for.
    """
    naming, admission = NamingRepository(uow.connection), AdmissionRepository(uow.connection)
    place = await naming.next()
    if place is None:
        return False
    await move_old_rows(uow, [place.subject], holding)
    meter, names = await CatalogueRepository(uow.connection).meter(place.meter), await admission.names()
    assert meter is not None, "a recount refers to its meter"
    own = (await admission.rows(meter, place.month, [place.subject]))[place.subject]
    moved = await _standing_in_other(meter, place, own, names, naming, events_max)
    groups = sorted({group for _, _, group, _ in moved.places()})
    await admission.admit_named(meter, place.month, place.subject, groups, names.newest)
    if groups:
        days = sorted({from_us(hour * HOUR_US).date() for _, _, _, hour in moved.places()})
        await naming.mark(place.subject, days)
        left = moved.regrouped(lambda *_: OTHER)
        moved.take(left)
        numbers = Numbers(
            await number_subjects(uow, [place.subject], KnownSubjects()), {meter.meter: meter.counts_since}
        )
        await add_changes(uow, changes_of([delta_of(moved, Tally(), {}, 0, numbers)]), holding)
        holding.memory.forget()
    await naming.finish(place)
    return True


async def _standing_in_other(
    meter: Meter,
    place: SubjectMonth,
    own: Own,
    names: Names,
    naming: NamingRepository,
    events_max: int,
) -> Tally:
    """What named groups without a row add up to in the month."""
    reader, found = Catalogue(meter.revision, [meter]), Tally()
    start, end = _instants(place.month)
    async for events in naming.events(place.subject, meter.event_type, start, end, events_max):
        tally = reader.tally(events)
        found.add(
            _only(
                tally,
                {
                    group
                    for _, _, group, _ in tally.places()
                    if group not in own.groups and names.since(meter.meter, group) is not None
                },
            )
        )
    return found


def _only(tally: Tally, groups: set[GroupKey]) -> Tally:
    return Tally(
        {key: change for key, change in tally.sums.items() if key[2] in groups},
        {key: count for key, count in tally.items.items() if key[2] in groups},
    )


def _instants(month: date) -> tuple[datetime, datetime]:
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return start, month_after(start)
