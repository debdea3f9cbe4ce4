"""What the database writes of a finalized document is what its answer says, cell by cell; and a list as CSV is the list."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx2
import msgspec
import pytest

from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.repository.cells import CellsRepository
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.http.cells import columns_of, head_of, lines_of
from shared.topics.rating import LineDraw
from shared.values.money import MINOR_MAX
from tests.conftest import TestDatabase, stand_clock
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.reading import list_documents
from tests.services.billing.statements import NOW, ZONE, customer_of, statement_of
from tests.serving import serving

COLUMNS: Final = columns_of(DocumentAnswer)
HOSTILE: Final = '=1+1 "a\\b/c" <\u2028>\n\t\x01\x1f\x7f é 株 \U0001f4a9'
QUANTITIES: Final = ("0", "100.500", "-3.10", "0.000000000001", "9999999999999999999.120", "1000")
#: What a document comes to and its last period came to: none, nothing, ties of a half, both ends.
CHANGES: Final = [
    (100, None),
    (100, 0),
    (801, 800),
    (799, 800),
    (-801, -800),
    (80_005, 80_000),
    (1, 3),
    (0, 3),
    (1, -200_000),
    (MINOR_MAX // 2, -MINOR_MAX // 2),
    (-MINOR_MAX // 2, MINOR_MAX // 2),
    (MINOR_MAX, 1),
    (MINOR_MAX - 1, MINOR_MAX),
]
CURRENCIES: Final = ("USD", "JPY", "KWD", "CLF")
MADE: Final = """
    insert into billing.documents (document_id, kind, contract, customer_id, customer, legal_entity, currency, timezone,
        period_start, period_end, start_date, end_date, occasion, net_days, subtotal_minor, total_minor, previous_minor,
        status, series, number, issued_on, due_on, finalized_at, created_at, customer_name, complete)
    values ('inv_m' || $1, 'invoice', 'c-' || $1, 'cus_m', 'm', 'default', $2, 'UTC', '2024-01-01', '2024-02-01',
        '2024-01-01', '2024-01-31', 'period', 30, $3, $3, $4, 'finalized', 'S', $1, '2024-02-03', '2024-03-04',
        $5, $5, $6, true)"""
LINE: Final = """
    insert into billing.document_lines (document_id, position, line_id, key, clause_id, clause_hash, version, kind, meter,
        description, quantity, amount_minor, segments, contract, period_start, start_date, end_date, statement_id,
        tax_class, corrects_document, corrects_line, draws)
    values ('inv_m' || $1, $2, $3, $4, 'clause', 'hash', 2, 'usage', $5, $4, $6::text::numeric, $7, '[]', $4, '2024-01-01',
        '2024-01-01', '2024-01-31', $8, $5, $9, $9, $10)"""
SOURCE: Final = """
    insert into billing.document_statements (statement_id, document_id, contract, period_start, start_date, end_date,
        occasion, revision, final, watermark, watermark_us)
    values ($2, 'inv_m' || $1, $3, '2024-01-01', '2024-01-01', '2024-01-31', 'period', 7, true, $4, $5)"""


@pytest.fixture
async def made(database: TestDatabase, db: Database) -> AsyncIterator[Database]:
    """Documents of every kind of change, of random ones, and with lines of every kind."""
    chance = random.Random(5)
    pairs = [*CHANGES, *((chance.randrange(-(10**9), 10**9), chance.randrange(1, 10**6)) for _ in range(200))]
    admin = await asyncpg.connect(database.admin_url)
    await admin.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: msgspec.json.encode(value).decode(), decoder=str
    )
    try:
        # documents without journal entries, and lines that sum to nothing
        await admin.execute("set session_replication_role = replica")
        for number, (total, before) in enumerate(pairs):
            at = datetime(2024, 2, 3, tzinfo=UTC) + timedelta(seconds=number, microseconds=number % 3 * 1000)
            currency = CURRENCIES[number % len(CURRENCIES)]
            await admin.execute(MADE, f"{number:03}", currency, total, before, at, HOSTILE)
        for number, quantity in enumerate(QUANTITIES):
            await _add_lines(admin, f"{number:03}", number, quantity)
        yield db
    finally:
        await admin.close()


async def _add_lines(admin: asyncpg.Connection, document: str, number: int, quantity: str) -> None:
    draws = [{"block": HOSTILE, "kind": "prepaid", "amount_minor": amount} for amount in (-5, 12_345)]
    for position, some in enumerate((HOSTILE, "plain"), 1):
        meter, corrected = (HOSTILE, "inv_m000") if position == 1 else (None, None)
        line = f"line-{position}"
        row = (position, line, some, meter, quantity, -1234, UUID(int=number), corrected)
        await admin.execute(LINE, document, *row, draws[: number % 3])
    for part in range(number % 3):
        watermark_us = part * (1_706_000_000_000_000 + number * 120)
        source = UUID(int=100 * number + part), f"{HOSTILE}{number}.{part}", {"0": 65, "10": 7}, watermark_us
        await admin.execute(SOURCE, document, *source)


async def test_the_database_writes_what_the_answer_says(made: Database) -> None:
    documents = await list_documents(made, DocumentFilter(), None, 1000)
    async with made.transaction() as uow:
        cells = await CellsRepository(uow.connection).finalized([one.document_id for one in documents])
    assert len(documents) == len(cells) > 200
    for zone in (ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu")):
        for document in documents:
            said = lines_of([DocumentAnswer.of(document).as_json()], COLUMNS, zone)
            assert lines_of([cells[document.document_id]], COLUMNS, zone) == said, document.document_id


async def test_it_names_no_column_that_the_answer_has_not(made: Database) -> None:
    async with made.transaction() as uow:
        cells = await CellsRepository(uow.connection).finalized(["inv_m000"])
    assert set(cells["inv_m000"]) <= {column.name for column in COLUMNS}


async def test_what_people_said_of_a_document_is_read_as_it_is_shown(
    database: TestDatabase, made: Database
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute("set session_replication_role = replica")
        for number, column in enumerate(("hold", "approval", "seen")):
            await admin.execute(
                f"update billing.documents set {column} = '{{}}' where document_id = $1", f"inv_m00{number}"
            )
    finally:
        await admin.close()
    async with made.transaction() as uow:
        cells = await CellsRepository(uow.connection).finalized([f"inv_m00{number}" for number in range(4)])
    assert list(cells) == ["inv_m003"]


async def test_a_list_as_csv_is_the_list(
    made: Database,
    hear: Hear,
    hear_customers: Hear,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Drafts and history in each order, those that people said something of among them."""
    await hear_customers(customer_of("UA", HOSTILE))
    paid = statement_of(final=True, amounts=(700, 20))
    draws = (LineDraw("blo_paid", "prepaid", 300),)
    first = msgspec.structs.replace(paid.lines[0], draws=draws)
    await hear(msgspec.structs.replace(paid, lines=(first, *paid.lines[1:])))
    await finalize_due(made, OpenGate(), NOW, ZONE)
    await hear(statement_of("open", month=2), statement_of("other", month=2, currency="JPY"))
    await stand_clock(database.admin_url, NOW)
    async with serving(
        "billing", database, monkeypatch, auditor_database_url=database.url("u2c_auditor")
    ) as (_, api):
        for asked in ({}, {"sort": "customer"}, {"currency": "USD", "sort": "-amount"}, {"status": "draft"}):
            rows = await _listed(api, asked)
            assert rows
            answer = await api.get("/v1/invoices", params=asked, headers={"accept": "text/csv"})
            zone = ZoneInfo("UTC")
            assert answer.text == head_of(COLUMNS, zone) + lines_of(rows, COLUMNS, zone)


async def _listed(api: httpx2.AsyncClient, asked: dict[str, str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get("/v1/invoices", params={**asked, **cursor, "limit": "200"})).json()
        rows += page["data"]
        if not page["has_more"]:
            return rows
        cursor = {"cursor": page["next_cursor"]}
