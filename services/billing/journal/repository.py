"""All SQL that reads the journal."""

import asyncpg

from services.billing.journal.rows import Entry, EntryFilter, Posting
from shared.db.columns import names_of, read
from shared.db.filters import narrowed

_CONDITIONS = {
    "document_id": "entry.document_id = {}",
    "posted_from": "entry.posted_on >= {}",
    "posted_to": "entry.posted_on <= {}",
    "account": "exists (select from billing.journal_postings posting where posting.entry_id = entry.entry_id and posting.account = {})",
}


class JournalRepository:
    """Entries with their postings."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def newest_first(self, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
        """Return entries older than the id `before`, newest first."""
        where = narrowed(asked, _CONDITIONS, "document").also("entry.entry_id < {}", before)
        rows = await self._connection.fetch(
            f"""select entry.entry_id, entry.document_id, entry.posted_on, entry.description,
                    document.number, document.contract, document.customer, document.currency
                from billing.journal_entries entry join billing.documents document using (document_id)
                where {where.sql} order by entry.entry_id desc limit {rows_max:d}""",
            *where.parameters,
        )
        postings = await self._postings([row["entry_id"] for row in rows])
        return [Entry(**row, postings=tuple(postings.get(row["entry_id"], ()))) for row in rows]

    async def _postings(self, entry_ids: list[str]) -> dict[str, list[Posting]]:
        found: dict[str, list[Posting]] = {}
        for row in await self._connection.fetch(
            f"""select entry_id, {names_of(Posting)} from billing.journal_postings
               where entry_id = any($1) order by entry_id, position""",
            entry_ids,
        ):
            found.setdefault(row["entry_id"], []).append(read(Posting, row))
        return found
