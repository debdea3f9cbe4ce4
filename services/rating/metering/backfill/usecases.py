"""Back-fills: begin one with its meter, and take one step."""

from datetime import datetime

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.backfill.repository import BackfillRepository
from services.rating.metering.domain.tally import Catalogue, Tally
from services.rating.metering.memory import MeteringMemory
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.repository.aggregates import AggregatesRepository
from services.rating.metering.repository.readings import ReadingsRepository
from services.rating.metering.usecases.admit_groups import bounded
from services.rating.metering.usecases.meter_batch import report
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_now, machine_us


async def needs_backfill(uow: UnitOfWork, event_type: str) -> bool:
    """Whether events of this type are stored. The fence must be closed."""
    return await BackfillRepository(uow.connection).type_was_stored(event_type)


async def begin_backfill(uow: UnitOfWork, meter: str, event_type: str) -> None:
    """Delete the meter's aggregates, and let the job add up everything stored so far. Consumers, whom the
    fence keeps out now, add what comes after.

    Its admitted groups stay: those of terms that count otherwise are told apart by their revision.
    """
    repository = BackfillRepository(uow.connection)
    await repository.start(meter, await ReadingsRepository(uow.connection).last_batches())
    await repository.keep_days(meter)
    await repository.forget(meter)
    await repository.forget(f"type:{event_type}")


async def backfill_step(uow: UnitOfWork, now: datetime, *, events_max: int, groups_max: int) -> bool:
    """Add the next events of a running back-fill; False when none runs (or another worker is at it)."""
    repository, catalogue = BackfillRepository(uow.connection), CatalogueRepository(uow.connection)
    await repository.enter_fence()
    running = await repository.claim()
    if running is None:
        return False
    meter = await catalogue.meter(running.meter)
    assert meter is not None, "a back-fill refers to its meter"
    events, place = await repository.next_events(running, meter.event_type, events_max)
    admission = AdmissionRepository(uow.connection)
    memory = MeteringMemory(groups_max, Catalogue(meter.revision, [meter]), await admission.names())
    tally = memory.catalogue.tally(events)
    change, overflowed = await bounded(
        tally, Tally(), admission, memory, max(running.cut.values(), default=0)
    )
    await AggregatesRepository(uow.connection).add(change)
    await report(tally.unread, overflowed, uow, memory, now)
    if place is not None:
        await repository.move(meter.meter, place)
        return True
    await repository.finish(meter.meter, machine_now())
    await catalogue.set_backfilled(meter.meter)
    await catalogue.move_revision(machine_us())
    await repository.mark_all(meter.meter)
    return True
