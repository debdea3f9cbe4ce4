"""A kind of document is one line of a list: what nobody has made yet is numbered, posted, told, shown and held
as its line says.

What offering it takes beside that line: its name in the check of a migration, and conservation's own word on
whether K5 counts it and on which account its total stands.
"""

import re
from datetime import date

import asyncpg
import pytest

from services.billing.conservation.checks.k5_books import RECEIVABLE
from services.billing.conservation.checks.k5_told import OF_PERIOD
from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.domain.kinds import INVOICE, KINDS, DocumentKind
from services.billing.documents.page import page_of
from services.billing.finalization.domain.numbering import counter_of
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.topics.billing import DOCUMENTS
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import Broken, OpenGate
from tests.services.billing.reading import list_documents
from tests.services.billing.statements import NOW, ZONE, customer_of, statement_of

FEE_NOTE = DocumentKind(
    "fee_note",
    "Fee note",
    series="{entity}-FN-{year}",
    receivable="receivable_fees",
    revenue="fees",
    counts_towards_k5=False,
)
NUMBER = "DEFAULT-FN-2013-000001"


@pytest.fixture
async def offered(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy among the kinds: its line in the list, and its name in the check that a migration would
    change."""
    monkeypatch.setitem(KINDS, FEE_NOTE.name, FEE_NOTE)
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute("alter table billing.documents drop constraint documents_kind")
    await admin.close()


@pytest.fixture
async def drafts(offered: None, db: Database, hear: Hear, hear_customers: Hear) -> None:
    """Two final drafts of one legal entity: an invoice of UA, a fee note of AA."""
    await hear_customers(customer_of(), customer_of("AA", "American"))
    await hear(statement_of(final=True), statement_of("aa-2013", "AA", final=True, amounts=(700, -200)))
    await db.pool.execute("update billing.documents set kind = $1 where contract = 'aa-2013'", FEE_NOTE.name)


@pytest.mark.usefixtures("drafts")
async def test_a_kind_has_its_own_series_accounts_and_title(db: Database) -> None:
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 2
    found = {document.kind: document for document in await list_documents(db, DocumentFilter(), None, 10)}
    invoice, note = found[INVOICE], found[FEE_NOTE]
    assert (invoice.number, note.number) == ("DEFAULT-2013-000001", NUMBER)
    assert counter_of(NUMBER) == ("DEFAULT-FN-2013", 1)
    assert await accounts(db, note.document_id) == [
        ("receivable_fees", 500),
        ("fees.usage", -700),
        ("fees.usage", 200),
    ]
    assert [account for account, _ in await accounts(db, invoice.document_id)] == [
        "receivable",
        "revenue.usage",
        "revenue.usage",
    ]
    entry = "select description from billing.journal_entries where source_id = $1"
    assert await db.pool.fetchval(entry, note.document_id) == f"fee_note {NUMBER}"
    assert f"<title>Fee note {NUMBER}" in page_of(note)
    assert DocumentAnswer.of(note).as_json()["kind"] == "fee_note"
    told = [DOCUMENTS.decode(row["value"]) for row in await db.pool.fetch("select value from billing.outbox")]
    assert {message.number: message.kind for message in told} == {
        NUMBER: "fee_note",
        "DEFAULT-2013-000001": "invoice",
    }


@pytest.mark.usefixtures("drafts")
async def test_the_money_of_a_period_holds_only_what_counts_towards_it(db: Database) -> None:
    assert await finalize_due(db, Broken("ua-2013", "aa-2013", kind="conservation_k5"), NOW, ZONE) == 1
    finalized = await db.pool.fetch("select kind from billing.documents where status = 'finalized'")
    assert [row["kind"] for row in finalized] == ["fee_note"]
    references = await db.pool.fetch("select reference from billing.exceptions where resolved_at is null")
    assert [row["reference"] for row in references] == ["ua-2013:2013-01-01"]


@pytest.mark.usefixtures("drafts")
@pytest.mark.parametrize("kind", ["conservation_k3", "conservation_k4"])
async def test_breaks_of_usage_hold_what_is_made_from_usage(db: Database, kind: str) -> None:
    assert await finalize_due(db, Broken("ua-2013", "aa-2013", kind=kind), NOW, ZONE) == 1
    finalized = await db.pool.fetch("select kind from billing.documents where status = 'finalized'")
    assert [row["kind"] for row in finalized] == ["fee_note"]


@pytest.mark.usefixtures("drafts")
async def test_other_breaks_hold_every_kind(db: Database) -> None:
    assert await finalize_due(db, Broken("ua-2013", "aa-2013", kind="conservation_k1"), NOW, ZONE) == 0


def test_conservation_leaves_out_of_k5_what_the_list_does() -> None:
    """Its SQL shares no code with billing: the two are held against each other here."""
    apart = {kind.name for kind in KINDS.values() if not kind.counts_towards_k5}
    (names,) = re.findall(r"d\.kind not in \(([^)]*)\)", OF_PERIOD)
    assert set(re.findall(r"'(\w+)'", names)) == apart


def test_conservation_looks_for_the_total_where_every_kind_posts_it() -> None:
    assert {kind.receivable for kind in KINDS.values()} == {RECEIVABLE}


def test_no_entity_is_numbered_as_the_notes_of_another() -> None:
    """Whatever entities are called, what is numbered together is of one entity and of kinds that share a series."""
    day, names = date(2013, 5, 1), ("x", "x-dn", "x-DN-dn", "x-cn", "x-", "x--dn", "x-dn-", "dn", "x-dn-2013")
    series = {
        (entity, kind.name): kind.series_of(entity, day)
        for entity in {name.upper() for name in names}
        for kind in KINDS.values()
    }
    assert series["X", "invoice"] == "X-2013" and series["X", "debit_note"] == "X-DN-2013"
    assert series["X-DN", "invoice"] == "X~DN-2013"
    owners = {(name, KINDS[kind].series) for (name, kind), _ in series.items()}
    assert len(set(series.values())) == len(owners)


async def accounts(db: Database, document_id: str) -> list[tuple[str, int]]:
    """What a document posted, in order: account and minor units."""
    rows = await db.pool.fetch(
        """select account, amount_minor from billing.journal_postings
           join billing.journal_entries using (entry_id) where source_id = $1 order by position""",
        document_id,
    )
    return [tuple(row) for row in rows]
