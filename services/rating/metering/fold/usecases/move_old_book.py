"""Pack what was added up by rows before there were folds: of subjects that are about to change, and, step by step, of
all others. Views show old rows as long as they stand, and no reader sees a difference."""

from collections.abc import Collection

from services.rating.metering.domain.delta import Numbers, delta_of
from services.rating.metering.domain.tally import Tally
from services.rating.metering.fold.domain.changes import changes_of
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.old_book import OldBookRepository
from services.rating.metering.fold.usecases.add_changes import Holding, add_changes
from services.rating.metering.memory import KnownSubjects
from services.rating.metering.usecases.number_subjects import number_subjects
from shared.db.unit_of_work import UnitOfWork
from shared.runtime import failpoints


async def old_book_left(uow: UnitOfWork, memory: FoldMemory) -> bool:
    """Whether anything is left to move; once nothing is, that is remembered."""
    if memory.old_book_left:
        memory.old_book_left = await OldBookRepository(uow.connection).anything_left()
    return memory.old_book_left


async def move_old_rows(uow: UnitOfWork, subjects: Collection[str], holding: Holding) -> None:
    """Pack the old rows of these subjects, before anything else of theirs is. The packed rows must be held."""
    if subjects and await old_book_left(uow, holding.memory):
        await _move(uow, subjects, holding)


async def move_old_book_step(uow: UnitOfWork, holding: Holding, *, rows_max: int) -> bool:
    """Pack the old rows of the next subjects; False when none is left. The packed rows must be held."""
    old_book, memory = OldBookRepository(uow.connection), holding.memory
    subjects = await old_book.next_subjects(memory.old_book_after, rows_max)
    if not subjects:
        memory.old_book_after = ""
        return await old_book_left(uow, memory)
    await _move(uow, subjects, holding)
    memory.old_book_after = subjects[-1]
    return True


async def _move(uow: UnitOfWork, subjects: Collection[str], holding: Holding) -> None:
    taken, since = await OldBookRepository(uow.connection).take(subjects)
    moved = {subject for subject, _, _, _ in taken.places()}
    if moved:
        numbers = Numbers(await number_subjects(uow, moved, KnownSubjects()), since)
        await add_changes(uow, changes_of([delta_of(taken, Tally(), {}, 0, numbers)]), holding)
        failpoints.reach("old_book.before_commit")
