"""Naming: take note of named values, and count again what stands in `other` and is named now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
from services.rating.metering.naming.repository import (
    MonthOfType,
    NamedValue,
    NamingRepository,
    SubjectMonth,
)
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.repository.readings import ReadingsRepository
from services.rating.metering.usecases.number_subjects import number_subjects
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us, machine_us
from shared.values.period import month_after

__all__ = ["NamedValue", "SubjectMonth", "ask_recounts", "count_ahead", "name_values", "recount_step"]


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


@dataclass(frozen=True, slots=True)
class CountedAhead:
    """What of a subject's month stands in `other` and is named, as folded up to these batches, partition (as text) →
    batch id; and what decided that: the meter, the subject's rows and the names."""

    place: SubjectMonth
    meter: Meter
    own: Own
    names: Names
    batches: Mapping[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def decided_alike(self, other: "CountedAhead") -> bool:
        return (self.place, self.meter, self.own, self.names) == (
            other.place,
            other.meter,
            other.own,
            other.names,
        )


async def count_ahead(uow: UnitOfWork, *, events_max: int) -> CountedAhead | None:
    """Count what the next recount moves, in one snapshot and holding nothing: it takes as long as the month has events.
    None: none is asked for."""
    asked = await _asked(uow)
    return await _counted(uow, asked, events_max) if asked is not None else None


async def recount_step(
    uow: UnitOfWork, holding: Holding, ahead: CountedAhead | None, *, events_max: int
) -> bool:
    """Count one subject's month again, as far as it is folded: what is named now moves out of `other`, all of
    it in this transaction, which must hold the packed rows. False when none is asked for.

    `ahead`: what was counted before they were held; only what was folded since is counted here, unless it was decided
    by what has changed.
    """
    asked = await _asked(uow)
    if asked is None:
        return False
    known = ahead if ahead is not None and ahead.decided_alike(asked) else asked
    place, meter = asked.place, asked.meter
    naming, admission = NamingRepository(uow.connection), AdmissionRepository(uow.connection)
    await move_old_rows(uow, [place.subject], holding)
    moved = (await _counted(uow, known, events_max)).tally
    groups = sorted({group for _, _, group, _ in moved.places()})
    await admission.admit_named(meter, place.month, place.subject, groups, asked.names.newest)
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


async def _asked(uow: UnitOfWork) -> CountedAhead | None:
    """The next recount, nothing of it counted yet."""
    place = await NamingRepository(uow.connection).next()
    if place is None:
        return None
    admission = AdmissionRepository(uow.connection)
    meter, names = await CatalogueRepository(uow.connection).meter(place.meter), await admission.names()
    assert meter is not None, "a recount refers to its meter"
    own = (await admission.rows(meter, place.month, [place.subject]))[place.subject]
    return CountedAhead(place, meter, own, names)


async def _counted(uow: UnitOfWork, known: CountedAhead, events_max: int) -> CountedAhead:
    """The same, as folded now: with what came since, and without what is void since."""
    naming, reader = NamingRepository(uow.connection), Catalogue(known.meter.revision, [known.meter])
    batches, _ = await ReadingsRepository(uow.connection).folded()
    of = MonthOfType(known.place.subject, known.meter.event_type, *_instants(known.place.month))
    found = Tally()
    found.add(known.tally)
    async for events in naming.events(of, known.batches, events_max):
        found.add(_moving(reader.tally(events), known))
    found.take(_moving(reader.tally(await naming.voided(of, known.batches)), known))
    return replace(known, batches=batches, tally=found.standing())


def _moving(tally: Tally, known: CountedAhead) -> Tally:
    """What of it is in named groups without a row."""
    groups = {group for _, _, group, _ in tally.places() if group not in known.own.groups}
    return _only(
        tally, {group for group in groups if known.names.since(known.meter.meter, group) is not None}
    )


def _only(tally: Tally, groups: set[GroupKey]) -> Tally:
    return Tally(
        {key: change for key, change in tally.sums.items() if key[2] in groups},
        {key: count for key, count in tally.items.items() if key[2] in groups},
    )


def _instants(month: date) -> tuple[datetime, datetime]:
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return start, month_after(start)
