"""All SQL of the journal."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from services.billing.journal.domain.entries import NewEntry, Posting, Source
from services.billing.journal.domain.sources import DOCUMENT, FINALIZED
from services.billing.journal.rows import Entry, EntryFilter, EntryRow, Numbered, PostingRow
from shared.db.columns import insert, names_of, read
from shared.db.filters import narrowed
from shared.values.ids import new_ids

ENTRIES = insert("billing.journal_entries", EntryRow)
POSTINGS = insert("billing.journal_postings", PostingRow)

_CONDITIONS = {
    "document_id": f"entry.source_kind = '{DOCUMENT}' and entry.source_id = {{}}",
    "posted_from": "entry.posted_on >= {}",
    "posted_to": "entry.posted_on <= {}",
    "block_id": "exists (select from billing.journal_postings posting where posting.entry_id = entry.entry_id and posting.block_id = {})",
    "account": "exists (select from billing.journal_postings posting where posting.entry_id = entry.entry_id and posting.account = {})",
}
#: Numbers grow past six digits rather than repeat: a longer one comes later.
_NUMBERED = f"""
    select series, count(*)::int as documents, (array_agg(number order by length(number), number))[1] as first,
        (array_agg(number order by length(number) desc, number desc))[1] as last,
        count(*) filter (where entry_id is null)::int as unposted
    from billing.documents left join billing.journal_entries entry on entry.source_kind = '{DOCUMENT}'
        and entry.source_id = document_id and entry.event = '{FINALIZED}'
    where status = 'finalized' and end_date between $1 and $2 group by 1 order by 1
"""


class JournalRepository:
    """Entries with their postings."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def newest_first(self, asked: EntryFilter, before: str | None, rows_max: int) -> list[Entry]:
        """Return entries older than the id `before`, newest first."""
        where = narrowed(asked, _CONDITIONS, "entry").also("entry.entry_id < {}", before)
        rows = await self._connection.fetch(
            f"""select entry.entry_id, entry.source_kind, entry.source_id, entry.event, document.document_id,
                    document.number, entry.contract, entry.customer, entry.posted_on, entry.description,
                    entry.currency
                from billing.journal_entries entry
                left join billing.documents document
                    on entry.source_kind = '{DOCUMENT}' and entry.source_id = document.document_id
                where {where.sql} order by entry.entry_id desc limit {rows_max:d}""",
            *where.parameters,
        )
        postings = await self._postings([row["entry_id"] for row in rows])
        return [Entry(**row, postings=tuple(postings.get(row["entry_id"], ()))) for row in rows]

    async def numbered(self, first: date, last: date) -> list[Numbered]:
        """Documents whose service period ends within these days, both inclusive, by series."""
        rows = await self._connection.fetch(_NUMBERED, first, last)
        return [Numbered(**row) for row in rows]

    async def booked(self, sources: Sequence[Source]) -> set[Source]:
        """Return which of these are booked."""
        rows = await self._connection.fetch(
            """select source_kind as kind, source_id as id, event from billing.journal_entries
                join unnest($1::text[], $2::text[], $3::text[]) as asked (source_kind, source_id, event)
                    using (source_kind, source_id, event)""",
            [source.kind for source in sources],
            [source.id for source in sources],
            [source.event for source in sources],
        )
        return {Source(**row) for row in rows}

    async def insert(self, entries: Sequence[NewEntry]) -> None:
        """Insert entries, and the postings of them all at once: the database checks that each balances."""
        named = list(zip(new_ids("jou", len(entries)), entries, strict=True))
        await self._connection.execute(
            ENTRIES.sql, *ENTRIES.columns_of([EntryRow.of(entry_id, entry) for entry_id, entry in named])
        )
        postings = [
            PostingRow(
                entry_id,
                position,
                posting.account,
                posting.amount_minor,
                entry.currency,
                posting.line_id,
                posting.block_id,
            )
            for entry_id, entry in named
            for position, posting in enumerate(entry.postings, 1)
        ]
        await self._connection.execute(POSTINGS.sql, *POSTINGS.columns_of(postings))

    async def _postings(self, entry_ids: list[str]) -> dict[str, list[Posting]]:
        found: dict[str, list[Posting]] = {}
        for row in await self._connection.fetch(
            f"""select entry_id, {names_of(Posting)} from billing.journal_postings
               where entry_id = any($1) order by entry_id, position""",
            entry_ids,
        ):
            found.setdefault(row["entry_id"], []).append(read(Posting, row))
        return found
