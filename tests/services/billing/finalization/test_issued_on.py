"""Numbers and dates of a series rise together, whatever day each of those who number takes it to be."""

import asyncio
from datetime import date, timedelta

import pytest

from services.billing.documents.domain.filters import DocumentFilter
from services.billing.finalization.domain.numbering import counter_of
from services.billing.finalization.usecases import finalize
from services.billing.finalization.usecases.finalize import finalize_due
from services.billing.finalization.usecases.pass_published import pass_published
from shared.db.unit_of_work import Database
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.reading import list_documents
from tests.services.billing.statements import NOW, ZONE, statement_of

TODAY, TOMORROW = date(2013, 2, 4), date(2013, 2, 5)
DAY = timedelta(days=1)


async def issued(db: Database) -> list[date]:
    """The days of all documents, in the order of their numbers."""
    rows = await db.pool.fetch("select number, issued_on from billing.documents where number is not null")
    return [row["issued_on"] for row in sorted(rows, key=lambda row: counter_of(row["number"]))]


async def test_a_number_after_midnight_is_not_followed_by_one_of_the_day_before(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """As when two processes number around midnight, and the one that is behind comes second."""
    await hear_customers()
    await hear(statement_of(final=True))
    await finalize_due(db, OpenGate(), NOW + DAY, ZONE)
    await hear(statement_of(month=2, final=True), statement_of("other", legal_entity="other", final=True))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    found = {document.number: document for document in await list_documents(db, DocumentFilter(), None, 10)}
    second, other = found["DEFAULT-2013-000002"], found["OTHER-2013-000001"]
    assert (second.issued_on, second.due_on) == (TOMORROW, TOMORROW + timedelta(days=30))
    assert other.issued_on == TODAY, "each series has days of its own"
    posted = await db.pool.fetchval(
        "select posted_on from billing.journal_entries where source_id = $1", second.document_id
    )
    assert posted == TOMORROW


async def test_many_numbers_at_once_never_fall_in_date(
    db: Database, hear: Hear, hear_customers: Hear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty workers, every second of which is a day behind, in chunks of three."""
    monkeypatch.setattr(finalize, "CHUNK_MAX", 3)
    await hear_customers()
    await hear(*(statement_of(f"contract-{n}", final=True, amounts=(n,)) for n in range(300)))
    done = await asyncio.gather(*(finalize_due(db, OpenGate(), NOW + n % 2 * DAY, ZONE) for n in range(20)))
    assert sum(done) == 300
    days = await issued(db)
    assert days == sorted(days) and len(days) == 300
    assert days[-1] == TOMORROW


async def test_the_day_is_that_of_the_entitys_zone(db: Database, hear: Hear, hear_customers: Hear) -> None:
    await hear_customers()
    late_evening = NOW.replace(hour=23)
    for zone, month in (("America/New_York", 1), ("Asia/Tokyo", 2)):
        await hear(statement_of(month=month, legal_entity=zone[:4], final=True))
        await finalize_due(db, OpenGate(), late_evening, zone)
    found = {
        document.legal_entity: document for document in await list_documents(db, DocumentFilter(), None, 9)
    }
    assert (found["Amer"].issued_on, found["Asia"].issued_on) == (TODAY, TOMORROW)


async def test_a_book_put_back_goes_on_no_earlier_than_what_was_published(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True))
    async with db.transaction() as uow:
        published = {"DEFAULT-2013-000001": TODAY, "DEFAULT-2013-000002": TOMORROW}
        assert await pass_published(uow.connection, published) == sorted(published)
    await finalize_due(db, OpenGate(), NOW, ZONE)
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    assert (document.number, document.issued_on) == ("DEFAULT-2013-000003", TOMORROW)
