"""What documents come to is kept with each change of them: it is what a fresh count says, whatever happened."""

import asyncio
import random
from datetime import timedelta
from typing import Any, Final

import pytest
from alembic import command

from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.repository.lists import ListRepository
from services.billing.documents.rows import Total
from services.billing.documents.usecases import count_drafts
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.postgres.migrations import _config
from tests.conftest import Sized, TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, customer_of, statement_of

COUNTED: Final = """select state, currency, count(*) as documents, sum(total_minor)::bigint as total_minor
    from billing.documents where ($1::text is null or status = $1) and ($2::text is null or state = $2)
        and ($3::text is null or currency = $3) group by 1, 2 order by 1, 2"""
ASKED: Final = [
    {"status": status, "state": state, "currency": currency}
    for status in (None, "draft", "finalized")
    for state in (None, "open", "due", "held", "awaiting_approval", "finalized")
    for currency in (None, "USD", "EUR")
]
HOLD: Final = "update billing.documents set obstacle = $2 where document_id = $1"
DRAFTS: Final = "select document_id from billing.documents where status = 'draft' order by document_id"


async def agree(db: Database) -> None:
    """What is kept is what all documents come to, whatever is asked for."""
    async with db.transaction(isolation="repeatable_read") as uow:
        for asked in ASKED:
            rows = await uow.connection.fetch(COUNTED, *asked.values())
            kept = await ListRepository(uow.connection).totals(DocumentFilter(**asked))  # type: ignore[arg-type]
            assert kept == [Total(**row) for row in rows], asked
        states = await uow.connection.fetch(
            "select state, count(*) as n from billing.documents where status = 'draft' group by 1"
        )
        assert await count_drafts(uow) == {row["state"]: row["n"] for row in states}


async def change(db: Database, chance: random.Random) -> None:
    """What becomes of a draft but by a statement: something is in its way, or no longer is, or it goes."""
    drafts = [row["document_id"] for row in await db.pool.fetch(DRAFTS)]
    if not drafts:
        return
    draft, what = chance.choice(drafts), chance.randrange(4)
    if what == 0:
        await db.pool.execute("delete from billing.documents where document_id = $1", draft)
    else:
        obstacle = (None, "awaiting_approval", "k3_broken")[what - 1]
        await db.pool.execute(HOLD, draft, obstacle)


async def merge(db: Database, rows_max: int) -> int:
    async with db.transaction() as uow:
        await ListRepository(uow.connection).merge_sums(rows_max)
    rows: int = await db.pool.fetchval("select count(*) from billing.document_sums")
    return rows


async def test_what_is_kept_is_what_a_fresh_count_says(
    db: Database, hear: Hear, hear_customers: Hear, sized: Sized
) -> None:
    for seed in range(sized(1, 5, 50)):
        chance = random.Random(seed)
        await hear_customers(*(customer_of(f"c{n}", f"c{n}") for n in range(5)))
        for step in range(30):
            heard: list[Any] = [
                statement_of(
                    f"k-{seed}-{n}",
                    f"c{n}",
                    month=chance.randrange(1, 4),
                    final=chance.random() < 0.2,
                    amounts=(chance.randrange(-5, 40) * 100,),
                    currency=("USD", "EUR")[n % 2],
                    revision=1000 * step + 1,
                )
                for n in chance.sample(range(5), 3)
            ]
            await hear(*heard)
            await change(db, chance)
            if chance.random() < 0.3:
                await finalize_due(db, OpenGate(), NOW + timedelta(days=step), ZONE)
            if chance.random() < 0.2:
                await merge(db, 0)
            await agree(db)
        assert await merge(db, 0) <= 10
        await agree(db)


async def test_few_rows_are_left_alone_and_many_are_made_few(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers(customer_of("c", "c"))
    for revision in range(1, 8):
        await hear(statement_of("k", "c", amounts=(revision * 100,), revision=revision))
    rows = await db.pool.fetchval("select count(*) from billing.document_sums")
    assert rows == 7
    assert await merge(db, 7) == 7
    await asyncio.gather(*(merge(db, 3) for _ in range(4)))
    assert await merge(db, 3) == 1
    await agree(db)


@pytest.mark.parametrize("asked", [{"kind": "credit_note"}, {"customer": "c"}, {"q": "k"}])
async def test_what_is_narrowed_otherwise_is_added_up(
    db: Database, hear: Hear, hear_customers: Hear, asked: dict[str, str]
) -> None:
    await hear_customers(customer_of("c", "c"), customer_of("d", "d"))
    await hear(statement_of("k", "c", amounts=(100,)), statement_of("l", "d", amounts=(200,)))
    async with db.transaction() as uow:
        found = await ListRepository(uow.connection).totals(DocumentFilter(**asked))  # type: ignore[arg-type]
    assert [one.total_minor for one in found] == ([] if "kind" in asked else [100])


async def test_a_book_of_before_is_counted_once(
    database: TestDatabase, db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers(customer_of("c", "c"))
    await hear(statement_of("k", "c", amounts=(100,)))
    migrating = _config("billing", database.url("billing"), database.secret)
    await asyncio.to_thread(command.downgrade, migrating, "0040")
    await hear(statement_of("l", "c", amounts=(200,), currency="EUR"))
    await asyncio.to_thread(command.upgrade, migrating, "head")
    await agree(db)
