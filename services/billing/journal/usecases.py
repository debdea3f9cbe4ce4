"""Read the journal."""

from services.billing.journal.entries import Entry, EntryFilter
from services.billing.journal.repository import JournalRepository
from shared.db import Database


async def list_entries(db: Database, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
    """Return entries newest first, whole, from one snapshot."""
    async with db.transaction(isolation="repeatable_read") as uow:
        return await JournalRepository(uow.connection).newest_first(asked, before, rows_max)
