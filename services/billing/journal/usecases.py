"""Post to the journal, and read it."""

from collections.abc import Sequence
from datetime import date, timedelta

from services.billing.journal.domain.entries import NewEntry
from services.billing.journal.repository import JournalRepository
from services.billing.journal.rows import Entry, EntryFilter, Numbered
from shared.db.unit_of_work import UnitOfWork
from shared.values.period import month_after


async def post(uow: UnitOfWork, entries: Sequence[NewEntry]) -> None:
    """Post entries: each event of a source once, in the transaction that makes it happen."""
    await JournalRepository(uow.connection).insert(entries)


async def post_once(uow: UnitOfWork, entries: Sequence[NewEntry]) -> int:
    """Post those of these entries whose source has none; return how many that were. What is told again posts nothing."""
    journal, by_source = JournalRepository(uow.connection), {entry.source: entry for entry in entries}
    if not by_source:
        return 0
    booked = await journal.booked(list(by_source))
    new = [entry for source, entry in by_source.items() if source not in booked]
    if new:
        await journal.insert(new)
    return len(new)


async def list_entries(uow: UnitOfWork, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
    """Return entries newest first, whole; of one snapshot in a REPEATABLE READ transaction."""
    return await JournalRepository(uow.connection).newest_first(asked, before, rows_max)


async def numbers_of_month(uow: UnitOfWork, month: date) -> list[Numbered]:
    """The documents of the periods that end in the month which begins on this day, by series."""
    return await JournalRepository(uow.connection).numbered(month, month_after(month) - timedelta(days=1))
