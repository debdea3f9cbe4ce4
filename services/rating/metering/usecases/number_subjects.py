"""Subjects stand as numbers in what is added up."""

from collections.abc import Collection
from functools import partial

from services.rating.metering.memory import KnownSubjects
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork


async def number_subjects(uow: UnitOfWork, subjects: Collection[str], known: KnownSubjects) -> dict[str, int]:
    """Return the number of each of these subjects; those that are new get theirs with this transaction.

    What it did not know is remembered once the transaction has committed: a number that was rolled back is given
    to nobody.
    """
    numbers = known.among(subjects)
    names = NamesRepository(uow.connection)
    missing = [subject for subject in subjects if subject not in numbers]
    if missing:
        found = await names.subject_numbers(missing)
        if fresh := [subject for subject in missing if subject not in found]:
            await names.number_subjects(fresh)
            found |= await names.subject_numbers(fresh)
        numbers |= found
        uow.when_committed(partial(known.remember, found))
    return numbers
