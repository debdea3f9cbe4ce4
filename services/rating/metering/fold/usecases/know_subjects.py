"""Know the names of subjects that stand as numbers."""

from collections.abc import Set

from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork


async def know_subjects(uow: UnitOfWork, numbers: Set[int], memory: FoldMemory) -> None:
    """Let `memory.subjects` have each of these."""
    if unknown := numbers - memory.subjects.keys():
        memory.subjects |= await NamesRepository(uow.connection).subjects(unknown)
