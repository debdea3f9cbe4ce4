"""All SQL that reads the journal."""

from typing import Any

import asyncpg

from services.billing.journal.rows import Entry, EntryFilter, Posting
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
            f"""select entry.*, document.number, document.contract, document.customer, document.currency
                from billing.journal_entries entry join billing.documents document using (document_id)
                where {where.sql} order by entry.entry_id desc limit {rows_max:d}""",
            *where.parameters,
        )
        postings = await self._postings([row["entry_id"] for row in rows])
        return [_entry(row, tuple(postings.get(row["entry_id"], ()))) for row in rows]

    async def _postings(self, entry_ids: list[str]) -> dict[str, list[Posting]]:
        found: dict[str, list[Posting]] = {}
        for row in await self._connection.fetch(
            """select entry_id, account, amount_minor, line_id from billing.journal_postings
               where entry_id = any($1) order by entry_id, position""",
            entry_ids,
        ):
            found.setdefault(row["entry_id"], []).append(
                Posting(row["account"], row["amount_minor"], row["line_id"])
            )
        return found


def _entry(row: Any, postings: tuple[Posting, ...]) -> Entry:
    return Entry(
        entry_id=row["entry_id"],
        document_id=row["document_id"],
        number=row["number"],
        contract=row["contract"],
        customer=row["customer"],
        posted_on=row["posted_on"],
        description=row["description"],
        currency=row["currency"],
        postings=postings,
    )
