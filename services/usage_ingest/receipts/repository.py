"""SQL of receipts and of their roll-up."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.usage_ingest.receipts.rows import DoorFilter, DoorHour, ToldReceipt
from shared.db.columns import bulk, names_of
from shared.db.filters import narrowed
from shared.topics.usage_ingest import ReceiptMessage

#: A receipt is summed in the statement that inserts it, so it is summed exactly once.
#: `usage.raw:partition:from-to` sums up as `usage.raw`.
STORE = bulk(
    "usage_ingest.receipts",
    ToldReceipt,
    """with fresh as (
        insert into usage_ingest.receipts (receipt_id, key_id, source, received_at, hour, received, published,
            quarantined, refused)
        select *, received - published - quarantined as refused from (
            select receipt_id, key_id, source, received_at, date_trunc('hour', received_at, 'UTC'), received,
                published, quarantined
            from {given}) as counted
        on conflict do nothing
        returning split_part(key_id, ':', 1) as key_id, source, hour, received, published, quarantined,
            refused),
    summed as (
        insert into usage_ingest.door_hours as known (key_id, source, hour, receipts, received, published,
            quarantined, refused)
        select key_id, source, hour, count(*), sum(received), sum(published), sum(quarantined), sum(refused)
        from fresh group by key_id, source, hour order by key_id, source, hour
        on conflict (key_id, source, hour) do update set receipts = known.receipts + excluded.receipts,
            received = known.received + excluded.received,
            published = known.published + excluded.published,
                quarantined = known.quarantined + excluded.quarantined,
            refused = known.refused + excluded.refused)
    select count(*) from fresh""",
)
_CONDITIONS = {"since": "hour >= {}", "until": "hour < {}"}


class ReceiptRepository:
    """Receipts are facts: inserted once, never changed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def store(self, messages: Sequence[ReceiptMessage]) -> int:
        """Insert and sum up what is absent; return how many that was."""
        stored: int = await self.connection.fetchval(
            STORE.sql, *STORE.columns_of(list(map(ToldReceipt.of, messages)))
        )
        return stored

    async def forget(self, before: datetime, limit: int) -> int:
        """Let whole hours before `before` be counted by their sums, and delete at most `limit` of their
        receipts; return how many."""
        await self.connection.execute(
            """update usage_ingest.receipts_kept set since = date_trunc('hour', $1::timestamptz, 'UTC')
               where since < date_trunc('hour', $1::timestamptz, 'UTC')""",
            before,
        )
        gone: str = await self.connection.execute(
            """delete from usage_ingest.receipts where ctid = any(array(
                   select ctid from usage_ingest.receipts
                       where hour < (select since from usage_ingest.receipts_kept)
                   order by hour limit $1 for update skip locked))""",
            limit,
        )
        return int(gone.split()[-1])

    async def door(
        self, wanted: DoorFilter, after: tuple[datetime, str, str] | None, limit: int
    ) -> list[DoorHour]:
        """Sums by hour, key and source, in that order."""
        where = narrowed(wanted, _CONDITIONS)
        if after:
            where = where.also("(hour, key_id, source) > ({}, {}, {})", *after)
        rows = await self.connection.fetch(
            f"""select {names_of(DoorHour)} from usage_ingest.door_hours where {where.sql}
                order by hour, key_id, source limit {limit:d}""",
            *where.parameters,
        )
        return [DoorHour(**row) for row in rows]
