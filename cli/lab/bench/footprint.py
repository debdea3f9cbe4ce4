"""What an event costs on disk: WAL written, table and index bytes of the store of usage."""

from dataclasses import dataclass

import asyncpg

SIZES = """
    select coalesce(sum(pg_table_size(c.oid)), 0)::bigint as table_bytes,
        coalesce(sum(pg_indexes_size(c.oid)), 0)::bigint as index_bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'rating' and c.relkind = 'r'
"""
WAL = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Footprint:
    """Bytes, in total, at one moment."""

    table: int
    index: int
    wal: int

    def per_event(self, before: "Footprint", events: int) -> dict[str, int]:
        return {
            "table": round((self.table - before.table) / events),
            "index": round((self.index - before.index) / events),
            "wal": round((self.wal - before.wal) / events),
        }


async def footprint(admin: asyncpg.Connection) -> Footprint:
    row = await admin.fetchrow(SIZES)
    assert row is not None
    return Footprint(row["table_bytes"], row["index_bytes"], await admin.fetchval(WAL))
