"""A filled book of before documents had occasions and lines their own periods migrates: what was final says what it
said, to the byte, and what was open goes on."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.page import page_of
from services.billing.documents.usecases import get_document
from services.billing.finalization.usecases.finalize import finalize_due
from services.billing.replica import usecases
from shared.db.unit_of_work import Database
from shared.postgres.migrations import _config, migrate_all
from shared.postgres.setup import SERVICES, create_roles_and_schemas
from shared.postgres.urls import role_url
from shared.pricing.explanation.paper import NOT_KEPT
from shared.topics.rating import STATEMENTS, StatementMessage
from tests.conftest import TestDatabase
from tests.services.billing.gates import OpenGate
from tests.services.billing.reading import list_documents
from tests.services.billing.statements import NOW, ZONE, batch_of, statement_of

BEFORE = "0014"
BILLED, OPEN = statement_of(final=True, explanation=None), statement_of(month=2, revision=3)
STATEMENT = """insert into billing.statements (statement_id, revision, contract, customer_id, period_start, period_end,
        final, watermark, said)
    values ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6), $7, $8, $9)"""
DOCUMENT = """insert into billing.documents (document_id, kind, contract, customer_id, customer, legal_entity,
        currency, timezone, period_start, period_end, start_date, end_date, statement_id, statement_revision,
        statement_final, watermark, watermark_us, net_days, subtotal_minor, total_minor)
    select $1, 'invoice', contract, customer_id, 'UA', 'default', 'USD', 'America/New_York', period_start,
        period_end, (document ->> 'period_start_date')::date, (document ->> 'period_end_date')::date,
        statement_id, revision, final, watermark, 1000, 30, $2, $2
    from billing.statements where statement_id = $3"""
FINALIZED = (
    """insert into billing.document_lines (document_id, position, line_id, key, clause_id, clause_hash, version,
           kind, meter, description, quantity, amount_minor, segments)
       select 'inv_old', n, line ->> 'line_id', line ->> 'key', line ->> 'clause_id', 'hash', 1, 'usage',
           line ->> 'meter', line ->> 'description', (line ->> 'quantity')::numeric,
           (line ->> 'amount_minor')::bigint, line -> 'segments'
       from billing.statements, jsonb_array_elements(document -> 'lines') with ordinality said (line, n)
       where final""",
    """update billing.documents set status = 'finalized', series = 'DEFAULT-2013', number = 'DEFAULT-2013-000001',
           issued_on = '2013-02-04', due_on = '2013-03-06', finalized_at = '2013-02-04T12:00:00Z',
           customer_name = 'United Air Lines'
       where document_id = 'inv_old'""",
    "insert into billing.number_series (series, next) values ('DEFAULT-2013', 2)",
    """insert into billing.journal_entries (entry_id, document_id, posted_on, description)
       values ('jou_old', 'inv_old', '2013-02-04', 'invoice DEFAULT-2013-000001')""",
    """insert into billing.journal_postings (entry_id, position, account, amount_minor, currency, line_id)
       select 'jou_old', 1, 'receivable', 63655000, 'USD', null
       union all
       select 'jou_old', position + 1, 'revenue.usage', -amount_minor, 'USD', line_id from billing.document_lines""",
    """insert into billing.customers (customer_id, revision, external_id, name, aliases, legal_entity, timezone)
       values ('cus_UA', 1, 'UA', 'United Air Lines', '{}', 'default', 'UTC')""",
)
#: History as it was told before: what stands in these columns may never be another.
SAID = {
    "documents": "number, kind, customer_name, contract, start_date, end_date, issued_on, due_on, total_minor",
    "document_lines": "position, line_id, key, clause_hash, kind, quantity, amount_minor, segments",
    "journal_postings": "entry_id, position, account, amount_minor, currency, line_id",
}


@pytest.fixture
async def old_book(empty_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Billing's schema as it was, with a finalized January and an open February."""
    secret = empty_database.secret
    url = await create_roles_and_schemas(empty_database.server_url, empty_database.name, secret)
    for schema in ("bus", *SERVICES):
        of = url if schema == "bus" else role_url(url, schema, secret)
        to = BEFORE if schema == "billing" else "head"
        await asyncio.to_thread(command.upgrade, _config(schema, of, secret), to)
    connection = await asyncpg.connect(url)
    for statement, document_id in ((BILLED, "inv_old"), (OPEN, "inv_open")):
        await hear_as_before(connection, statement)
        await connection.execute(DOCUMENT, document_id, statement.subtotal_minor, statement.statement_id)
    for sql in FINALIZED:
        await connection.execute(sql)
    yield connection
    await connection.close()


async def hear_as_before(connection: asyncpg.Connection, statement: StatementMessage) -> None:
    await connection.execute(
        STATEMENT,
        statement.statement_id,
        statement.revision,
        statement.contract,
        statement.customer_id,
        statement.period_start_us / 1_000_000,
        statement.period_end_us / 1_000_000,
        statement.final,
        json.dumps(statement.watermark),
        STATEMENTS.encode(statement).decode(),
    )


async def digests(connection: asyncpg.Connection) -> dict[str, str]:
    """Table → SHA-256 over what its finalized rows said before."""
    found = {}
    for table, columns in SAID.items():
        where = "where status = 'finalized'" if table == "documents" else ""
        rows = await connection.fetch(
            f"select ({columns})::text as said from billing.{table} {where} order by 1"
        )
        assert rows, f"{table} is empty"
        found[table] = hashlib.sha256("\n".join(row["said"] for row in rows).encode()).hexdigest()
    return found


async def test_what_was_final_says_what_it_said_and_what_was_open_goes_on(
    old_book: asyncpg.Connection, empty_database: TestDatabase
) -> None:
    before = await digests(old_book)
    await migrate_all(empty_database.admin_url, empty_database.secret)
    assert await digests(old_book) == before
    db = Database(empty_database.url("billing"), "billing")
    await db.open()
    try:
        february, january = sorted(
            await list_documents(db, DocumentFilter(), None, 10), key=lambda document: document.status
        )
        assert (january.occasion, january.number) == ("period", "DEFAULT-2013-000001")
        assert {(line.contract, f"{line.end_date}", line.statement_id) for line in january.lines} == {
            ("ua-2013", "2013-01-31", BILLED.statement_id)
        }
        assert [(source.revision, source.watermark) for source in january.statements] == [(1, {"0": 1})]
        async with db.transaction() as uow:
            whole = await get_document(uow, january.document_id)
        assert [line.steps_kept for line in whole.lines] == [False, False] and NOT_KEPT in page_of(whole)
        assert [line.amount_minor for line in february.lines] == [2_500_000, 61_155_000]
        await hear(db, statement_of(month=2, revision=9, final=True, amounts=(5,)))
        assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
        (february,) = await list_documents(db, DocumentFilter(number="DEFAULT-2013-000002"), None, 10)
        assert (february.document_id, february.total_minor) == ("inv_open", 5)
        await hear(db, statement_of(revision=9, amounts=(1,)))
        assert await digests(old_book) != before, "February joined it"
        assert (await list_documents(db, DocumentFilter(), None, 10))[-1].total_minor == 63_655_000
    finally:
        await db.close()


async def hear(db: Database, statement: StatementMessage) -> None:
    async with db.transaction() as uow:
        await usecases.hear_statements(batch_of([statement]), uow, NOW)


async def test_the_way_back_leads_to_the_book_of_before(
    old_book: asyncpg.Connection, empty_database: TestDatabase
) -> None:
    before = await digests(old_book)
    told = "select statement_id, statement_revision, statement_final, watermark, watermark_us from billing.documents order by 1"
    sources = await old_book.fetch(told)
    await migrate_all(empty_database.admin_url, empty_database.secret)
    of = role_url(empty_database.admin_url, "billing", empty_database.secret)
    await asyncio.to_thread(command.downgrade, _config("billing", of, empty_database.secret), BEFORE)
    assert await digests(old_book) == before
    assert await old_book.fetch(told) == sources
