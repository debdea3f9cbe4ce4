"""Post to the journal, and read it."""

from collections.abc import Sequence

from services.billing.journal.domain.entries import NewEntry
from services.billing.journal.repository import JournalRepository
from services.billing.journal.rows import Entry, EntryFilter
from shared.db.unit_of_work import UnitOfWork


async def post(uow: UnitOfWork, entries: Sequence[NewEntry]) -> None:
    """Post entries: each event of a source once, in the transaction that makes it happen."""
    await JournalRepository(uow.connection).insert(entries)


async def list_entries(uow: UnitOfWork, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
    """Return entries newest first, whole; of one snapshot in a REPEATABLE READ transaction."""
    return await JournalRepository(uow.connection).newest_first(asked, before, rows_max)
