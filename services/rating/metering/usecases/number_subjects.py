"""Subjects stand as numbers in what is added up."""

from collections.abc import Collection

from services.rating.metering.memory import KnownSubjects
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork


async def number_subjects(uow: UnitOfWork, subjects: Collection[str], known: KnownSubjects) -> dict[str, int]:
    """Return the number of each of these subjects; those that are new get theirs with this transaction, and
    are remembered once it is read as committed."""
    numbers = known.among(subjects)
    names = NamesRepository(uow.connection)
    if missing := [subject for subject in subjects if subject not in numbers]:
        stored = await names.subject_numbers(missing)
        known.remember(stored)
        numbers |= stored
    if fresh := [subject for subject in subjects if subject not in numbers]:
        await names.number_subjects(fresh)
        numbers |= await names.subject_numbers(fresh)
    return numbers
