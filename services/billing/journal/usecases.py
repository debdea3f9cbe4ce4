"""Read the journal."""

from services.billing.journal.repository import JournalRepository
from services.billing.journal.rows import Entry, EntryFilter
from shared.db.unit_of_work import Database


async def list_entries(db: Database, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
    """Return entries newest first, whole, from one snapshot."""
    async with db.transaction(isolation="repeatable_read") as uow:
        return await JournalRepository(uow.connection).newest_first(asked, before, rows_max)
