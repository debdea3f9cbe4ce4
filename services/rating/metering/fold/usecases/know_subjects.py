"""Know the names of subjects that stand as numbers."""

from collections.abc import Set

from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork


async def know_subjects(uow: UnitOfWork, numbers: Set[int], memory: FoldMemory) -> dict[int, str]:
    """Number → subject, of each of these."""
    known = memory.subjects.among(numbers)
    if unknown := numbers - known.keys():
        found = await NamesRepository(uow.connection).subjects(unknown)
        memory.subjects.remember(found)
        known |= found
    return known
