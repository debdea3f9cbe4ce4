"""What an event costs on disk: WAL, rows written and bytes by table, and those of the store of usage in all."""

import asyncio
import time
from dataclasses import dataclass, fields

import asyncpg

STORE, EVENTS = "rating.", "rating.events"
TOLD_WITHIN_S, LOOK_EVERY_S = 15.0, 0.5
#: Partitions count with their table.
TABLES = """
    select n.nspname || '.' || root.relname as name, sum(pg_table_size(c.oid))::bigint as table_bytes,
        sum(pg_indexes_size(c.oid))::bigint as index_bytes, sum(s.n_tup_ins)::bigint as inserted,
        sum(s.n_tup_upd)::bigint as updated, sum(s.n_tup_hot_upd)::bigint as updated_in_place,
        sum(s.n_tup_del)::bigint as deleted
    from pg_class c join pg_stat_user_tables s on s.relid = c.oid
        join pg_class root on root.oid = coalesce(pg_partition_root(c.oid), c.oid)
        join pg_namespace n on n.oid = root.relnamespace
    where c.relkind = 'r' group by 1
"""
WAL = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Table:
    """Bytes, and rows since the server's statistics began; `updated` counts those `updated_in_place` too, whose
    indexes were left alone."""

    table_bytes: int = 0
    index_bytes: int = 0
    inserted: int = 0
    updated: int = 0
    updated_in_place: int = 0
    deleted: int = 0

    def per_event(self, before: "Table", events: int) -> dict[str, float]:
        """Figure → how much more it is than before, an event."""
        return {
            each.name: round((getattr(self, each.name) - getattr(before, each.name)) / events, 4)
            for each in fields(self)
        }


@dataclass(frozen=True)
class Footprint:
    """What stands at one moment: bytes of WAL so far, and each table."""

    wal: int
    tables: dict[str, Table]

    def per_event(self, before: "Footprint", events: int) -> dict[str, int]:
        """Bytes an event: table and index of the store of usage, and WAL of all."""
        return {
            "table": round((self._store("table_bytes") - before._store("table_bytes")) / events),
            "index": round((self._store("index_bytes") - before._store("index_bytes")) / events),
            "wal": round((self.wal - before.wal) / events),
        }

    def tables_per_event(self, before: "Footprint", events: int) -> dict[str, dict[str, float]]:
        """Table → its figures an event, those alone that changed; the table with most bytes first."""
        found = {
            name: table.per_event(before.tables.get(name, Table()), events)
            for name, table in self.tables.items()
        }
        changed = {name: figures for name, figures in found.items() if any(figures.values())}
        return dict(sorted(changed.items(), key=lambda item: -_bytes(item[1])))

    def _store(self, figure: str) -> int:
        return sum(getattr(table, figure) for name, table in self.tables.items() if name.startswith(STORE))


async def footprint(admin: asyncpg.Connection, stored: int) -> Footprint:
    """What stands now: WAL at once, and tables when the statistics tell of `stored` events at least. A backend tells
    what it wrote a second later, and when it idles, ten; what others wrote may still be missing."""
    wal = await admin.fetchval(WAL)
    until = time.monotonic() + TOLD_WITHIN_S
    while True:
        tables = {name: Table(*figures) for name, *figures in await admin.fetch(TABLES)}
        if tables[EVENTS].inserted >= stored or time.monotonic() > until:
            return Footprint(wal, tables)
        await asyncio.sleep(LOOK_EVERY_S)


def _bytes(figures: dict[str, float]) -> float:
    return figures["table_bytes"] + figures["index_bytes"]
