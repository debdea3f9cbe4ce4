"""List the events that came last, with what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.rating.disposition.repository.events import DispositionRepository
from services.rating.disposition.rows import NewestFilter
from services.rating.disposition.usecases.judge_events import Judged, judge_events
from services.rating.metering.repository.readings import ReadingsRepository
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Newest:
    """Events, the newest first. `batches`: partition → the last batch metering has stored; `more`: others came since
    that are not among them, or may have, where there were too many to look through."""

    events: Sequence[Judged]
    batches: Mapping[str, int]
    more: bool


async def list_newest(
    uow: UnitOfWork, wanted: NewestFilter, after: Mapping[str, int], rows_max: int
) -> Newest:
    """Return the newest events of batches after these (partition → batch id): at most so many."""
    repository = DispositionRepository(uow.connection)
    taken = await ReadingsRepository(uow.connection).last_batches()
    batches = {str(partition): batch_id for partition, batch_id in taken.items()}
    found = await repository.newest(wanted, after, batches, rows_max + 1)
    shown = found.events[:rows_max]
    keys = [row.key for row in shown]
    voids, refused = await repository.voids(keys), await repository.refused_bodies(keys)
    judged = await judge_events(uow, shown, voids, refused, with_lines=False)
    return Newest(judged, {**after, **batches}, found.beyond or len(found.events) > rows_max)
