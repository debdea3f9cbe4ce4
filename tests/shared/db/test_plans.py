"""Plans are kept until the transaction ends, and of tables that were empty they are good ones later."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.db.plans import keep_plans
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase

QUESTION = "select value from things where id = any($1::int[])"


@pytest.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """One connection at a time, so that whoever comes next has the same one, with a table of its own."""
    db = Database(database.url("rating"), "rating", pool_max=1)
    await db.open()
    await db.pool.execute("create temporary table things (id int primary key, value int not null)")
    yield db
    await db.close()


async def plans(connection: asyncpg.Connection) -> tuple[int, int]:
    """How often the question was run by a plan that was kept, and by one made for it."""
    row = await connection.fetchrow(
        "select generic_plans, custom_plans from pg_prepared_statements where statement = $1", QUESTION
    )
    assert row is not None
    return row["generic_plans"], row["custom_plans"]


async def test_a_plan_is_kept_until_the_transaction_ends(db: Database) -> None:
    async with db.transaction() as uow:
        await keep_plans(uow.connection)
        for _ in range(3):
            await uow.connection.fetch(QUESTION, [1, 2])
        assert await plans(uow.connection) == (3, 0)
    async with db.transaction() as uow:
        await uow.connection.fetch(QUESTION, [1, 2])
        assert await plans(uow.connection) == (3, 1)


async def test_a_plan_of_an_empty_table_reads_no_table_whole_later(db: Database) -> None:
    async with db.transaction() as uow:
        await keep_plans(uow.connection)
        await uow.connection.fetch(QUESTION, [1])
    await db.pool.execute("insert into things select n, n from generate_series(1, 20000) n")
    async with db.transaction() as uow:
        await keep_plans(uow.connection)
        assert [row["value"] for row in await uow.connection.fetch(QUESTION, [7, 9])] == [7, 9]
    scans = "select seq_scan, idx_scan from pg_stat_xact_user_tables where relname = 'things'"
    async with db.transaction() as uow:
        before = await uow.connection.fetchrow(scans)
        await keep_plans(uow.connection)
        await uow.connection.fetch(QUESTION, [7])
        after = await uow.connection.fetchrow(scans)
    assert before is not None and after is not None
    assert after["seq_scan"] == before["seq_scan"] and after["idx_scan"] > before["idx_scan"]
