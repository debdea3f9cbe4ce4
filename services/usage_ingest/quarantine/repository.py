"""SQL of the quarantine."""

from collections.abc import Sequence

import asyncpg

from services.usage_ingest.quarantine.rows import (
    Filter,
    QuarantinedBytes,
    QuarantinedEvent,
    Resolution,
    ToldEvent,
)
from shared.db.columns import insert, names_of
from shared.db.filters import narrowed
from shared.topics.usage_ingest import QuarantineMessage

# An index takes the beginning of an id: a refused one may be longer.
_CONDITIONS = {"id": "left(id, 255) = left({0}, 255) and id = {0}"}
STORE = insert("usage_ingest.quarantine", ToldEvent, ignore_known=True).returning("true")


class QuarantineRepository:
    """Events kept with their bytes. The bytes never change; status, code and detail do."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def store(self, messages: Sequence[QuarantineMessage]) -> int:
        """Insert what is absent; return how many that was."""
        stored = await self.connection.fetch(STORE.sql, *STORE.columns_of(list(map(ToldEvent.of, messages))))
        return len(stored)

    async def page(self, wanted: Filter, before: str | None, limit: int) -> list[QuarantinedEvent]:
        """Newest first, older than the event of id `before`."""
        where = narrowed(wanted, _CONDITIONS).also("quarantine_id < {}", before)
        rows = await self.connection.fetch(
            f"""select {names_of(QuarantinedEvent)} from usage_ingest.quarantine where {where.sql}
                order by quarantine_id desc limit {limit:d}""",
            *where.parameters,
        )
        return [QuarantinedEvent(**row) for row in rows]

    async def open_after(self, wanted: Filter, after: str, limit: int) -> list[QuarantinedBytes]:
        """Open events, oldest first, with their bytes: a bulk replay's next part."""
        where = narrowed(wanted, _CONDITIONS).also("quarantine_id > {}", after)
        rows = await self.connection.fetch(
            f"""select {names_of(QuarantinedBytes)} from usage_ingest.quarantine
                where status = 'open' and {where.sql} order by quarantine_id limit {limit:d}""",
            *where.parameters,
        )
        return [QuarantinedBytes(**row) for row in rows]

    async def open_by_code(self) -> dict[str, int]:
        """Code → how many events are open."""
        rows = await self.connection.fetch(
            "select code, count(*) as events from usage_ingest.quarantine where status = 'open' group by code"
        )
        return {row["code"]: row["events"] for row in rows}

    async def find(self, quarantine_id: str) -> QuarantinedBytes | None:
        row = await self.connection.fetchrow(
            f"select {names_of(QuarantinedBytes)} from usage_ingest.quarantine where quarantine_id = $1",
            quarantine_id,
        )
        return QuarantinedBytes(**row) if row else None

    async def hold_open(self, ids: Sequence[str]) -> list[QuarantinedEvent]:
        """Those of these events that are open, which nobody else closes until the transaction ends."""
        rows = await self.connection.fetch(
            f"""select {names_of(QuarantinedEvent)} from usage_ingest.quarantine
                where quarantine_id = any($1) and status = 'open' order by quarantine_id for update""",
            list(ids),
        )
        return [QuarantinedEvent(**row) for row in rows]

    async def resolve(self, ids: Sequence[str], how: Resolution) -> list[QuarantinedEvent]:
        """Close events that are open; return them."""
        closed = await self.connection.fetch(
            f"""update usage_ingest.quarantine set status = $2, resolved_at = $3, resolved_by = $4,
                resolution = $5, repaired = $6
               where quarantine_id = any($1) and status = 'open' returning {names_of(QuarantinedEvent)}""",
            list(ids),
            how.status,
            how.resolved_at,
            how.resolved_by,
            how.resolution,
            how.repaired,
        )
        return [QuarantinedEvent(**row) for row in closed]

    async def describe_again(self, faults: Sequence[tuple[str, str, str]]) -> list[QuarantinedEvent]:
        """(id, code, detail) of events that a replay found still faulty, perhaps for another reason than
        before; return those that are open."""
        rows = await self.connection.fetch(
            f"""update usage_ingest.quarantine known set code = found.code, detail = found.detail
               from unnest($1::text[], $2::text[], $3::text[]) found (quarantine_id, code, detail)
               where known.quarantine_id = found.quarantine_id and known.status = 'open'
               returning {names_of(QuarantinedEvent, "known")}""",
            *map(list, zip(*faults, strict=True)),
        )
        return [QuarantinedEvent(**row) for row in rows]
