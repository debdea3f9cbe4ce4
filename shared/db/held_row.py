"""A row that one transaction holds to its end, and what becomes of a holder that stands still."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
import structlog

log = structlog.get_logger()
EVICT_AFTER_S, LOOK_S = 3.0, 1.0
EVICT = f"""select a.pid, pg_terminate_backend(a.pid)
    from unnest(pg_blocking_pids($1)) pid, pg_stat_get_activity(pid) a
    where a.usesysid = (select oid from pg_roles where rolname = current_user)
        and ($2 or a.wait_event_type = 'Client'
            and a.state_change < clock_timestamp() - interval '{EVICT_AFTER_S} s')"""
T = TypeVar("T")


async def evicting(
    pool: asyncpg.Pool, connection: asyncpg.Connection, taking: Coroutine[Any, Any, T], *, at_work: bool
) -> T:
    """Return what `taking`, a statement of `connection` that takes the row, comes to.

    Whoever holds the row for more than 3 s is taken for a stopped process and its session is terminated;
    Postgres's own timeouts would not free it. `at_work`: also one whose session is at work. Without it, only
    one whose session has waited for its client for 3 s: where several may hold the row for long and in turns.
    """
    began, moving = time.monotonic(), asyncio.ensure_future(taking)
    try:
        while not (await asyncio.wait({moving}, timeout=LOOK_S))[0]:
            if not at_work or time.monotonic() - began >= EVICT_AFTER_S:
                await _evict_blockers(pool, connection.get_server_pid(), at_work)
        return moving.result()
    finally:
        if not moving.done():
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)


async def _evict_blockers(pool: asyncpg.Pool, blocked_pid: int, at_work: bool) -> None:
    for row in await pool.fetch(EVICT, blocked_pid, at_work):
        log.warning("row_blocked", evicted_pid=row["pid"], blocked_pid=blocked_pid)
