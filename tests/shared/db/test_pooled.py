"""The pool clears what was left in a session, and asks nothing of a connection in which nothing was."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shared.db import pooled
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase

LOCK = 4711


@pytest.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """One connection at a time, so that whoever comes next has the same one."""
    db = Database(database.url("rating"), "rating", pool_max=1)
    await db.open()
    yield db
    await db.close()


async def test_a_lock_of_a_session_that_listened_ends_with_its_return(
    db: Database, database: TestDatabase
) -> None:
    other = await asyncpg.connect(database.url("rating"))
    for _ in range(2):
        async with db.pool.acquire() as connection:
            await connection.add_listener("somewhere", _hear)
            assert await connection.fetchval("select pg_try_advisory_lock($1)", LOCK)
            await connection.remove_listener("somewhere", _hear)
            assert not await other.fetchval("select pg_try_advisory_lock($1)", LOCK)
        assert await other.fetchval("select pg_try_advisory_lock($1)", LOCK)
        await other.execute("select pg_advisory_unlock_all()")
    await other.close()


async def test_a_transaction_is_not_followed_by_a_statement_that_clears_nothing(
    db: Database, database: TestDatabase
) -> None:
    async with db.transaction() as uow:
        pid = await uow.connection.fetchval("select pg_backend_pid()")
    admin = await asyncpg.connect(database.admin_url)
    assert await admin.fetchval("select query from pg_stat_activity where pid = $1", pid) == "COMMIT;"
    await admin.close()


async def test_a_transaction_that_is_left_behind_is_rolled_back(db: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await db.pool.fetchval("select 1 / 0")
    async with db.pool.acquire() as connection:
        await connection.execute("begin; set local search_path = 'nowhere'")
    assert await db.pool.fetchval("show search_path") == "rating,bus,clock"


async def test_what_a_type_is_made_of_is_asked_by_the_first_connection_of_a_process(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another order than it is asked first: an array of ranges is read by what a range is."""
    monkeypatch.setattr(pooled, "_built_in", {})
    asked: list[list[int]] = []
    introspect = vars(asyncpg.Connection)["_introspect_types"]

    async def counted(connection: asyncpg.Connection, oids: list[int], timeout: float | None) -> Any:
        asked.append(oids)
        return await introspect(connection, oids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    for query in ("select array[$1::int8range], $2::int4[]", "select $2::int4[], array[$1::int8range]"):
        db = Database(database.url("rating"), "rating", pool_max=1)
        await db.open()
        row = await db.pool.fetchrow(query, asyncpg.Range(1, 3), [1, 2])
        await db.close()
        assert row and sorted(map(repr, row)) == ["[1, 2]", "[<Range [1, 3)>]"]
    assert len(asked) == 1


async def test_a_type_of_a_databases_own_is_asked_by_each_connection(database: TestDatabase) -> None:
    """Elsewhere its number is another type's."""
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute("create type rating.pair as (one int[], other text)")
    for _ in range(2):
        db = Database(database.url("rating"), "rating", pool_max=1)
        await db.open()
        assert await db.pool.fetchval("select (array[1, 2], 'x')::rating.pair") == ([1, 2], "x")
        await db.close()
        await admin.execute("drop type rating.pair; create type rating.pair as (one int[], other text)")
    await admin.close()


def _hear(*_told: object) -> None:
    """Nothing of interest."""
