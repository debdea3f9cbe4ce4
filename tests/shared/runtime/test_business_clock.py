"""The business clock goes on being followed, whatever its connection has answered: one that stands still
quarantines good usage."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.db.unit_of_work import Database
from shared.runtime import clock as clock_module
from shared.runtime.clock import BusinessClock
from tests.conftest import TestDatabase, stand_clock

MOVED_TO = datetime(2031, 5, 1, tzinfo=UTC)
FAULTS = [
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    ConnectionResetError(),
    asyncpg.InterfaceError("the connection is closed"),
    RuntimeError("what nobody foresaw"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_a_fault_of_its_connection_does_not_stop_it(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    listen, met = BusinessClock._listen, asyncio.Event()

    async def fail_once_and_listen(self: BusinessClock) -> None:
        if not met.is_set():
            met.set()
            raise fault
        await listen(self)

    monkeypatch.setattr(BusinessClock, "_listen", fail_once_and_listen)
    monkeypatch.setattr(clock_module, "AGAIN_S", 0.01)
    db = Database(database.url("rating"), "rating")
    await db.open()
    followed = BusinessClock(db.pool, "rating", "rating-test")
    admin = await asyncpg.connect(database.admin_url)
    try:
        await followed.start()
        await asyncio.wait_for(met.wait(), 10)
        await admin.execute("update clock.business set moved_to = $1, revision = revision + 1", MOVED_TO)
        async with asyncio.timeout(10):
            while followed.now() != MOVED_TO:
                await followed.wait_change(0.1)
    finally:
        await admin.close()
        await followed.stop()
        await db.close()


class _Slow:
    """A pool whose look at the clock is under way until it may end."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self.looked, self.may_end = pool, asyncio.Event(), asyncio.Event()

    async def fetchrow(self, sql: str, *arguments: object) -> asyncpg.Record | None:
        row = await self._pool.fetchrow(sql, *arguments)
        self.looked.set()
        await self.may_end.wait()
        return row

    async def execute(self, sql: str, *arguments: object) -> str:
        done: str = await self._pool.execute(sql, *arguments)
        return done


async def test_a_look_that_began_before_a_move_and_ends_after_it_does_not_take_the_clock_back(
    database: TestDatabase,
) -> None:
    db = Database(database.url("rating"), "rating")
    await db.open()
    followed = BusinessClock(db.pool, "rating", "rating-test")
    slow = _Slow(db.pool)
    try:
        await stand_clock(database.admin_url, MOVED_TO - timedelta(days=1))
        followed.pool = slow  # type: ignore[assignment]
        late = asyncio.create_task(followed.refresh())
        await slow.looked.wait()
        followed.pool = db.pool
        await stand_clock(database.admin_url, MOVED_TO)
        await followed.refresh()
        slow.may_end.set()
        await late
        assert followed.now() == MOVED_TO
        acknowledged = await db.pool.fetchval(
            "select acked_revision = (select revision from clock.business) from clock.instances"
        )
        assert acknowledged, "and what it acknowledged stays acknowledged"
    finally:
        await db.close()
