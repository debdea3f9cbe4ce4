"""A document may be made from several statements: each of its lines names its contract, period and statement, and
keeps them when it becomes history."""

import asyncpg
import pytest

from services.billing.conservation.checks.k5_money import money_of
from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.page import page_of
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.topics.billing import DOCUMENTS
from shared.topics.rating import StatementMessage
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import Broken, OpenGate
from tests.services.billing.reading import get_document, list_documents
from tests.services.billing.statements import NOW, ZONE, statement_of

UA = statement_of(final=True, amounts=(700, -200))
AA = statement_of("aa-2013", month=2, final=True, amounts=(11,))
#: One customer, two contracts on one paper: the second statement joins the draft of the first.
JOINED = (
    """update billing.document_statements set document_id = (select document_id from billing.documents
           where contract = 'ua-2013') where contract = 'aa-2013'""",
    "delete from billing.documents where contract = 'aa-2013'",
    "update billing.documents set subtotal_minor = 511, total_minor = 511, end_date = '2013-02-28'",
)


@pytest.fixture
async def draft(db: Database, hear: Hear, hear_customers: Hear) -> Document:
    await hear_customers()
    await hear(UA, AA)
    for statement in JOINED:
        await db.pool.execute(statement)
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    return document


async def test_the_draft_has_the_lines_of_all_its_statements(db: Database, draft: Document) -> None:
    assert [(line.contract, f"{line.start_date}", line.statement_id) for line in draft.lines] == [
        ("ua-2013", "2013-01-01", UA.statement_id),
        ("ua-2013", "2013-01-01", UA.statement_id),
        ("aa-2013", "2013-02-01", AA.statement_id),
    ]
    shown = DocumentAnswer.of(await get_document(db, draft.document_id)).as_json()
    assert [source["contract"] for source in shown["statements"]] == ["ua-2013", "aa-2013"]
    assert shown["lines"][2]["period"] == {"start": "2013-02-01", "end": "2013-02-28"}
    page = page_of(draft)
    assert page.count("aa-2013 · 1 February 2013 – 28 February 2013") == 1
    assert f"statement {UA.statement_id}, revision 1 · statement {AA.statement_id}, revision 1" in page


async def test_it_waits_while_one_of_its_statements_is_not_final(db: Database, draft: Document) -> None:
    await db.pool.execute("update billing.documents set complete = false")
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 0


async def test_a_break_in_the_books_of_any_of_its_statements_holds_it(db: Database, draft: Document) -> None:
    assert await finalize_due(db, Broken("aa-2013"), NOW, ZONE) == 0
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    assert document.held is not None and document.held.reason == "conservation_k4"


async def test_its_lines_are_told_and_kept_with_what_they_are_of(db: Database, draft: Document) -> None:
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    assert document.number == "DEFAULT-2013-000001" and document.lines == draft.lines
    told = DOCUMENTS.decode(await db.pool.fetchval("select value from billing.outbox"))
    assert [(line.contract, line.period_start_date, line.statement_id) for line in told.lines] == [
        (line.contract, f"{line.start_date}", line.statement_id) for line in draft.lines
    ]


async def test_k5_sums_by_the_contract_and_period_of_a_line(
    db: Database, database: TestDatabase, draft: Document
) -> None:
    await finalize_due(db, OpenGate(), NOW, ZONE)
    auditor = await asyncpg.connect(database.admin_url)
    try:
        for statement in (UA, AA):
            await settled(auditor, statement)
        pairs = [(line.contract, line.period_start) for line in (draft.lines[0], draft.lines[2])]
        checked = await money_of(auditor, pairs, NOW, drained=True)
        assert {broken.fault for broken in checked.breaks} == {"period_missing"}, checked.breaks
        nothing = dict.fromkeys(("waived", "carried", "unbilled"), 0)
        assert checked.amounts["USD"] == {"settled": 511, "documented": 511, **nothing}
        assert checked.figures["documents"] == 2, "one for each period that it is of"
        (aa,) = (await money_of(auditor, pairs[1:], NOW, drained=True)).amounts.values()
        assert (aa["settled"], aa["documented"]) == (11, 11)
    finally:
        await auditor.close()


async def settled(auditor: asyncpg.Connection, statement: StatementMessage) -> None:
    """Let rating have the statement, as if its periods were open no more."""
    await auditor.execute("set session_replication_role = replica")
    await auditor.execute(
        """insert into rating.statements (contract, period_start, statement_id, revision, final, watermark,
               watermark_us, subtotal_minor, currency, said, known_version)
           select contract, period_start, statement_id, revision, final, watermark, 0, $2, 'USD', said, 1
           from billing.statements where statement_id = $1""",
        statement.statement_id,
        statement.subtotal_minor,
    )
