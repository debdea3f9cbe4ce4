"""Read the journal."""

from services.billing.journal.repository import JournalRepository
from services.billing.journal.rows import Entry, EntryFilter
from shared.db.unit_of_work import UnitOfWork


async def list_entries(uow: UnitOfWork, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
    """Return entries newest first, whole; of one snapshot in a REPEATABLE READ transaction."""
    return await JournalRepository(uow.connection).newest_first(asked, before, rows_max)
