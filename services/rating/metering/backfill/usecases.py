"""Back-fills: begin one with its meter, and take one step."""

from collections.abc import Sequence
from datetime import datetime

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import Backfill, CatalogueRepository
from services.rating.metering.backfill.repository import BackfillRepository
from services.rating.metering.domain.delta import Numbers, delta_of
from services.rating.metering.domain.tally import Catalogue, Tally
from services.rating.metering.fold.domain.changes import changes_of
from services.rating.metering.fold.usecases.add_changes import Holding, add_admitting
from services.rating.metering.fold.usecases.move_old_book import old_book_left
from services.rating.metering.memory import KnownSubjects
from services.rating.metering.repository.names import NamesRepository
from services.rating.metering.repository.readings import ReadingsRepository
from services.rating.metering.repository.usage import StoredEvent
from services.rating.metering.usecases.number_subjects import number_subjects
from services.rating.metering.usecases.report import report_unread
from shared.db.unit_of_work import UnitOfWork
from shared.runtime import failpoints
from shared.runtime.clock import machine_now, machine_us


async def needs_backfill(uow: UnitOfWork, event_type: str) -> bool:
    """Whether events of this type are stored. The fence must be closed."""
    return await BackfillRepository(uow.connection).type_was_stored(event_type)


async def begin_backfill(uow: UnitOfWork, meter: str) -> None:
    """Give the job everything stored so far. Consumers, fenced out now, take what comes after.

    The meter's terms have series of their own, which the job fills beside those that readers see until it is
    done.
    """
    repository = BackfillRepository(uow.connection)
    await repository.start(meter, await ReadingsRepository(uow.connection).last_batches())
    await repository.keep_days(meter)
    await repository.forget_recounts(meter)


async def backfill_runs(uow: UnitOfWork) -> bool:
    """Whether a back-fill has steps to take."""
    return await BackfillRepository(uow.connection).running() is not None


async def backfill_step(uow: UnitOfWork, holding: Holding, now: datetime, *, events_max: int) -> bool:
    """Add the next events of a running back-fill to its own series; False when none runs. The packed rows must
    be held.

    None is taken before all is packed that was added up without series: what readers see of it is counted by
    the terms that a back-fill's end replaces.

    They are added as they stood at the meter's cut. What is void since is taken back by the delta of its
    batch, whether that is folded before its event is added here or after it: readers see the sum once it is
    whole.
    """
    repository, catalogue = BackfillRepository(uow.connection), CatalogueRepository(uow.connection)
    running = await repository.running()
    if running is None or await old_book_left(uow, holding.memory):
        return False
    if running.at_its_beginning:
        failpoints.reach("backfill.before_first")
    meter = await catalogue.meter(running.meter)
    assert meter is not None, "a back-fill refers to its meter"
    events, place = await repository.next_events(running, meter.event_type, events_max)
    await _add(uow, meter, running, events, holding, now)
    if place is not None:
        await repository.move(meter.meter, place)
        return True
    await repository.finish(meter.meter, machine_now())
    await repository.drop_empty_items(meter.meter, meter.counts_since)
    await NamesRepository(uow.connection).read(meter.meter, meter.counts_since)
    await catalogue.set_backfilled(meter.meter)
    await catalogue.move_revision(machine_us())
    await repository.mark_all(meter.meter)
    holding.memory.forget()
    return True


async def _add(
    uow: UnitOfWork,
    meter: Meter,
    running: Backfill,
    events: Sequence[StoredEvent],
    holding: Holding,
    now: datetime,
) -> None:
    tally = Catalogue(meter.revision, [meter]).tally(events)
    numbers = Numbers(
        await number_subjects(uow, {subject for subject, _, _, _ in tally.places()}, KnownSubjects()),
        {meter.meter: meter.counts_since},
    )
    changes = changes_of([delta_of(tally, Tally(), {}, 0, numbers)])
    await add_admitting(uow, changes, holding, max(running.cut.values(), default=0), now)
    await report_unread(uow, tally.unread, {meter.meter: meter}, now)
