"""How many rows the server read, by table, as its own statistics tell."""

import asyncio

import asyncpg

#: A backend tells what it read a second later, and when it idles, ten.
TOLD_AFTER_S = 11.0
#: Partitions count with their table.
ROWS_READ = """
    select n.nspname || '.' || root.relname as name,
        sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0))::bigint as read
    from pg_class c join pg_stat_user_tables s on s.relid = c.oid
        join pg_class root on root.oid = coalesce(pg_partition_root(c.oid), c.oid)
        join pg_namespace n on n.oid = root.relnamespace
    where c.relkind = 'r' group by 1
"""


async def rows_read(admin: asyncpg.Connection) -> dict[str, int]:
    """Table → rows read since the server's statistics began, once all has been told."""
    await asyncio.sleep(TOLD_AFTER_S)
    return {row["name"]: row["read"] for row in await admin.fetch(ROWS_READ)}
