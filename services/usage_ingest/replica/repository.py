"""SQL of what was heard: one row a meter or customer, the newest snapshot of each."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from shared.topics.rating import CustomerMessage, MeterMessage


class ReplicaRepository:
    """Snapshots of meters and customers."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def store_meters(self, meters: Sequence[MeterMessage]) -> int:
        return await self._store("meters", "meter", [(m.meter, m.revision, m) for m in meters])

    async def store_customers(self, customers: Sequence[CustomerMessage]) -> int:
        return await self._store(
            "customers", "customer_id", [(c.customer_id, c.revision, c) for c in customers]
        )

    async def meters_since(self, since: int) -> list[MeterMessage]:
        """Meters written by transactions from number `since` on; 0: all."""
        return [msgspec.convert(document, MeterMessage) for document in await self._since("meters", since)]

    async def customers_since(self, since: int) -> list[CustomerMessage]:
        return [
            msgspec.convert(document, CustomerMessage) for document in await self._since("customers", since)
        ]

    async def oldest_running(self) -> int:
        """The number of the oldest transaction that has not ended: all before it are visible, so the next
        look begins there and misses none."""
        found: int = await self.connection.fetchval(
            "select (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"
        )
        return found

    async def _since(self, table: str, since: int) -> list[Any]:
        rows = await self.connection.fetch(
            f"select document from usage_ingest.{table} where stored_xid >= $1", since
        )
        return [row["document"] for row in rows]

    async def _store(self, table: str, key: str, rows: list[tuple[str, int, Any]]) -> int:
        """Insert or replace what is newer; return how many rows that was."""
        if not rows:
            return 0
        rows.sort()
        written = await self.connection.fetch(
            f"""insert into usage_ingest.{table} as known ({key}, revision, document)
                select * from unnest($1::text[], $2::bigint[], $3::jsonb[])
                on conflict ({key}) do update set revision = excluded.revision, document = excluded.document,
                    stored_xid = excluded.stored_xid
                where known.revision < excluded.revision
                returning true""",
            [row[0] for row in rows],
            [row[1] for row in rows],
            [msgspec.to_builtins(row[2]) for row in rows],
        )
        return len(written)
