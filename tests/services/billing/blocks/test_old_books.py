"""Postings of before are told which block they change: what the lines of their documents draw, in their order. What was posted
to another account than it is today is moved by an entry."""

from importlib import import_module

import asyncpg
import msgspec

from services.billing.conservation.checks.k5_books import numbers
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.topics.rating import LineDraw
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, statement_of

DRAWS = import_module("services.billing.migrations.versions.0027_postings_of_blocks").DRAWS
MOVE = import_module("services.billing.migrations.versions.0030_shortfall_moved").MOVE
BALANCES = """select account, block_id, sum(amount_minor) from billing.journal_postings
    where account in ('credits_liability', 'revenue.shortfall') group by 1, 2 having sum(amount_minor) <> 0 order by 1, 2"""
AS_PAID = """set session_replication_role = replica;
    update billing.journal_postings set account = 'credits_liability' where account = 'revenue.shortfall'"""
POSTINGS = "select position, account, amount_minor, block_id from billing.journal_postings order by entry_id, position"


async def test_draws_of_before_are_told_their_blocks(
    database: TestDatabase, db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """Two blocks pay one line by as much, one returns what it paid, and a gift pays."""
    await hear_customers()
    statement = statement_of(final=True, amounts=(700, 20))
    draws = (
        LineDraw("blk_b", "prepaid", 100),
        LineDraw("blk_a", "commitment", 100),
        LineDraw("blk_gift", "promotional", 100),
        LineDraw("blk_a", "commitment", -40),
    )
    first, second = statement.lines
    lines = (
        msgspec.structs.replace(first, draws=draws),
        msgspec.structs.replace(second, draws=(LineDraw("blk_c", "prepaid", 20),)),
    )
    await hear(msgspec.structs.replace(statement, lines=lines))
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    as_posted = await db.pool.fetch(POSTINGS)
    assert [row["block_id"] for row in as_posted if row["block_id"]] == [
        "blk_b",
        "blk_a",
        "blk_gift",
        "blk_a",
        "blk_c",
    ]
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute("set session_replication_role = replica")
        await admin.execute("update billing.journal_postings set block_id = null")
        await admin.execute(DRAWS)
    finally:
        await admin.close()
    assert await db.pool.fetch(POSTINGS) == as_posted


async def test_draws_on_what_was_short_are_moved_to_the_revenue_they_take_back(
    database: TestDatabase, db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """One document drew on a shortfall and on what was paid, another on neither: what was booked as paid of the first is
    moved by an entry of its own, once, and K5 knows it."""
    await hear_customers()
    statement = statement_of(final=True, amounts=(700, 20))
    first, second = statement.lines
    lines = (
        msgspec.structs.replace(
            first, draws=(LineDraw("blk_s", "shortfall", 100), LineDraw("blk_a", "prepaid", 40))
        ),
        msgspec.structs.replace(second, draws=(LineDraw("blk_s", "shortfall", 5),)),
    )
    await hear(msgspec.structs.replace(statement, lines=lines))
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    right = await db.pool.fetch(BALANCES)
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute(AS_PAID)
        assert await db.pool.fetch(BALANCES) != right
        await admin.execute("set session_replication_role = origin")
        for _ in range(2):
            await admin.execute(MOVE)
            assert await db.pool.fetch(BALANCES) == right
        assert await admin.fetchval("select count(*) from billing.journal_entries") == 2
        assert (await numbers(admin, None)).breaks == (), "the entry books something that happened"
    finally:
        await admin.close()
