"""What of a line is paid from balances stands by the line wherever the line does, and the document asks for so much
less."""

import uuid
from dataclasses import replace

import asyncpg
import msgspec
import pytest

from services.billing.conservation.checks.k5_money import money_of
from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.domain.following import following
from services.billing.documents.page import page_of
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.runtime.clock import from_us
from shared.topics.billing import DOCUMENTS
from shared.topics.rating import LineDraw, StatementMessage
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import Broken, OpenGate
from tests.services.billing.reading import list_documents
from tests.services.billing.statements import NOW, ZONE, statement_of

PAID, GIVEN = LineDraw("blo_paid", "prepaid", 300), LineDraw("blo_gift", "promotional", 50)


def drawn(statement: StatementMessage, *draws: LineDraw) -> StatementMessage:
    """The statement, whose first line is paid from these blocks."""
    first, *others = statement.lines
    return msgspec.structs.replace(statement, lines=(msgspec.structs.replace(first, draws=draws), *others))


STATEMENT = drawn(statement_of(final=True, amounts=(700, 20)), PAID, GIVEN)


@pytest.fixture
async def finalized(db: Database, hear: Hear, hear_customers: Hear) -> Document:
    await hear_customers()
    await hear(STATEMENT)
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    return document


async def test_a_draft_follows_what_is_drawn(db: Database, hear: Hear) -> None:
    await hear(drawn(statement_of(amounts=(700, 20)), PAID))
    (draft,) = await list_documents(db, DocumentFilter(), None, 10)
    assert (draft.subtotal_minor, draft.total_minor) == (720, 420)
    newer = drawn(statement_of(revision=2, amounts=(700, 20)), PAID, GIVEN)
    followed = following(draft, newer, segments=False)
    await hear(newer)
    (heard,) = await list_documents(db, DocumentFilter(), None, 10)
    assert replace(followed, created_at=heard.created_at) == heard and heard.total_minor == 370


def test_answer_and_page_say_each_draw(finalized: Document) -> None:
    shown = DocumentAnswer.of(finalized).as_json()
    line = STATEMENT.lines[0].line_id
    assert (shown["subtotal"], shown["total"]) == ("7.20", "3.70")
    assert shown["draws"] == [
        {"block": "blo_paid", "kind": "prepaid", "line": line, "amount": "3.00"},
        {"block": "blo_gift", "kind": "promotional", "line": line, "amount": "0.50"},
    ]
    page = page_of(finalized)
    assert "$3.00 paid from prepaid balance blo_paid" in page and "-$3.50" in page and "$3.70" in page


async def test_they_are_told_and_posted_by_line(db: Database, finalized: Document) -> None:
    told = DOCUMENTS.decode(await db.pool.fetchval("select value from billing.outbox"))
    assert [line.draws for line in told.lines] == [(PAID, GIVEN), ()] and told.total_minor == 370
    rows = await db.pool.fetch(
        "select account, amount_minor, line_id from billing.journal_postings order by position"
    )
    first, second = (line.line_id for line in STATEMENT.lines)
    assert [tuple(row) for row in rows] == [
        ("receivable", 370, None),
        ("revenue.usage", -700, first),
        ("credits_liability", 300, first),
        ("revenue.promotional", 50, first),
        ("revenue.usage", -20, second),
    ]


async def test_what_is_drawn_of_a_block_that_was_sold_below_its_amount_posts_at_what_was_paid(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """The rest of it was never revenue, and the line is booked whole; the customer sees what is drawn."""
    await hear_customers()
    cheap = LineDraw("blo_cheap", "prepaid", 300, 240)
    await hear(drawn(statement_of(final=True, amounts=(700,)), cheap))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    assert (document.total_minor, document.lines[0].draws) == (400, (cheap,))
    told = DOCUMENTS.decode(await db.pool.fetchval("select value from billing.outbox"))
    assert told.lines[0].draws == (cheap,)
    rows = await db.pool.fetch(
        "select account, amount_minor, block_id from billing.journal_postings order by position"
    )
    assert [tuple(row) for row in rows] == [
        ("receivable", 400, None),
        ("revenue.usage", -700, None),
        ("credits_liability", 240, "blo_cheap"),
        ("revenue.promotional", 60, "blo_cheap"),
    ]


async def test_a_line_that_is_paid_whole_leaves_a_document_of_nothing(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """What is skipped without a charge is not skipped with one that was paid before."""
    await hear_customers()
    whole = LineDraw("blo_paid", "prepaid", 700)
    await hear(drawn(statement_of(final=True, amounts=(700,), skip_zero_invoices=True), whole))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    assert (document.status, document.subtotal_minor, document.total_minor) == ("finalized", 700, 0)


HARMED = {
    "at another cost": (
        """update billing.document_lines set draws = jsonb_set(draws, '{0,cost_minor}', '240')
           where position = 1""",
        {"draw_differs"},
    ),
    "none": ("select", set()),
    "more": (
        """update billing.document_lines set draws = jsonb_set(draws, '{0,amount_minor}', '301')
           where position = 1""",
        {"draw_differs", "document_not_its_lines", "entry_not_the_document"},
    ),
    "of another block": (
        """update billing.document_lines set draws = jsonb_set(draws, '{0,block}', '"blo_other"')
           where position = 1""",
        {"draw_differs"},
    ),
    "not booked": (
        "delete from billing.journal_postings where account = 'credits_liability'",
        {"entry_unbalanced", "entry_not_the_document"},
    ),
    "of another total": (
        "update billing.documents set total_minor = 371",
        {"document_not_its_lines", "entry_not_the_document"},
    ),
}


@pytest.mark.parametrize("harm", HARMED)
async def test_k5_holds_draw_by_draw(database: TestDatabase, finalized: Document, harm: str) -> None:
    sql, expected = HARMED[harm]
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute("set session_replication_role = replica")
        await admin.execute(
            """insert into rating.statements (contract, period_start, statement_id, revision, final, watermark,
                   watermark_us, subtotal_minor, currency, said, known_version)
               select contract, period_start, statement_id, revision, final, watermark, 0, 720, 'USD', said, 1
               from billing.statements"""
        )
        await admin.execute(sql)
        pair = STATEMENT.contract, from_us(STATEMENT.period_start_us)
        breaks = (await money_of(admin, [pair], NOW, drained=True)).breaks
        assert {broken.fault for broken in breaks} - {"period_missing"} == expected
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("occasion", "kind"), [("commitment:annual:1", "commitment"), ("prepayment:blk_1", "prepayment")]
)
async def test_what_is_asked_for_beforehand_is_owed_to_the_customer(
    db: Database, hear: Hear, hear_customers: Hear, occasion: str, kind: str
) -> None:
    """Its document is of its own kind, stands beside the invoice of its period, and makes no revenue; what does not
    hold in the usage of the period holds it not."""
    statement = statement_of(final=True, amounts=(700,))
    asked = msgspec.structs.replace(
        statement,
        statement_id=str(uuid.uuid4()),
        occasion=occasion,
        lines=(msgspec.structs.replace(statement.lines[0], kind=kind),),
    )
    await hear_customers()
    await hear(statement, asked)
    assert await finalize_due(db, Broken(statement.contract), NOW, ZONE) == 1
    (document,) = [one for one in await list_documents(db, DocumentFilter(), None, 10) if one.number]
    assert (document.kind.name, document.occasion, document.total_minor) == (kind, occasion, 700)
    rows = await db.pool.fetch("select account, amount_minor from billing.journal_postings order by position")
    assert [tuple(row) for row in rows] == [("receivable", 700), ("credits_liability", -700)]
