"""SQL of the quarantine."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from services.usage_ingest.quarantine.rows import (
    Filter,
    Group,
    QuarantinedBytes,
    QuarantinedEvent,
    QuarantineGroup,
    Resolution,
    ToldEvent,
)
from shared.db.columns import insert, names_of
from shared.db.filters import narrowed
from shared.db.listing import Window, begins, counted
from shared.topics.usage_ingest import QuarantineMessage

# An index takes the beginning of an id: a refused one may be longer.
_CONDITIONS = {
    "id": "left(id, 255) = left({0}, 255) and id = {0}",
    "q": begins("left(id, 255)", "left(subject, 255)"),
}
_GROUPED: Mapping[Group, str] = {
    "code": "code",
    "source": "source",
    "day": "received_at at time zone 'UTC'",
}
_GROUP_TYPES: Mapping[Group, str] = {"code": "text", "source": "text", "day": "date"}
_RANKS = {"id": "quarantine_id", "code": "code", "source": "source"}
STORE = insert("usage_ingest.quarantine", ToldEvent, ignore_known=True).returning("true")


class QuarantineRepository:
    """Events kept with their bytes. The bytes never change; status, code and detail do."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def store(self, messages: Sequence[QuarantineMessage]) -> int:
        """Insert what is absent; return how many that was."""
        stored = await self.connection.fetch(STORE.sql, *STORE.columns_of(list(map(ToldEvent.of, messages))))
        return len(stored)

    async def page(self, wanted: Filter, window: Window) -> list[QuarantinedEvent]:
        asked = window.over(narrowed(wanted, _CONDITIONS), _RANKS, "quarantine_id")
        rows = await self.connection.fetch(
            f"select {names_of(QuarantinedEvent)} from usage_ingest.quarantine where {asked.sql}",
            *asked.parameters,
        )
        return [QuarantinedEvent(**row) for row in rows]

    async def count(self, wanted: Filter) -> int:
        """How many there are, or one more than are counted."""
        return await counted(self.connection, "usage_ingest.quarantine", narrowed(wanted, _CONDITIONS))

    async def groups(self, wanted: Filter, by: Sequence[Group], limit: int) -> list[QuarantineGroup]:
        """By what they have in common, the largest first."""
        where = narrowed(wanted, _CONDITIONS)
        columns = ", ".join(
            f"({_GROUPED[name]})::{kind} as {name}" if name in by else f"null::{kind} as {name}"
            for name, kind in _GROUP_TYPES.items()
        )
        rows = await self.connection.fetch(
            f"""select {columns}, count(*) as events, min(received_at) as oldest, max(received_at) as newest
                from usage_ingest.quarantine where {where.sql} group by 1, 2, 3
                order by count(*) desc, 1, 2, 3 limit {limit:d}""",
            *where.parameters,
        )
        return [QuarantineGroup(**row) for row in rows]

    async def total(self, wanted: Filter) -> tuple[int, datetime | None]:
        """How many events fit, and when the first of them was received."""
        where = narrowed(wanted, _CONDITIONS)
        row = await self.connection.fetchrow(
            f"""select count(*) as events, min(received_at) as oldest
                from usage_ingest.quarantine where {where.sql}""",
            *where.parameters,
        )
        assert row is not None, "an aggregate has a row"
        return row["events"], row["oldest"]

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
