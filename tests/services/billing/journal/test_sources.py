"""The journal books events of any source: each once, balanced, with what finance looks for on the entry itself."""

from datetime import date

import asyncpg
import pytest

from services.billing.finalization.usecases.finalize import finalize_due
from services.billing.journal.answers import JournalEntryAnswer
from services.billing.journal.domain.entries import NewEntry, Posting, Source
from services.billing.journal.rows import Entry, EntryFilter
from services.billing.journal.usecases import list_entries, post
from shared.db.unit_of_work import Database
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, statement_of

LAPSED = NewEntry(
    source=Source("block", "blo_1", "expired"),
    contract=None,
    customer="UA",
    currency="USD",
    posted_on=date(2013, 2, 4),
    description="what was left",
    postings=(Posting("credits_liability", 700), Posting("revenue.breakage", -700)),
)


async def entries(db: Database, asked: EntryFilter) -> list[Entry]:
    async with db.transaction(isolation="repeatable_read") as uow:
        return await list_entries(uow, asked, None, 10)


async def test_what_is_no_document_is_posted_and_listed_beside_documents(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True, amounts=(5,)))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    async with db.transaction() as uow:
        await post(uow, [LAPSED])
    block, invoice = [
        JournalEntryAnswer.of(entry).as_json() for entry in await entries(db, EntryFilter(customer="UA"))
    ]
    assert block["source"] == {"kind": "block", "id": "blo_1", "event": "expired"}
    assert (block["document"], block["number"], block["contract"]) == (None, None, None)
    assert [posting["amount"] for posting in block["postings"]] == ["7.00", "-7.00"]
    assert invoice["source"] == {"kind": "document", "id": invoice["document"], "event": "finalized"}
    assert (invoice["number"], invoice["contract"]) == ("DEFAULT-2013-000001", "ua-2013")
    assert [
        entry.source_kind for entry in await entries(db, EntryFilter(document_id=invoice["document"]))
    ] == ["document"]
    assert [entry.source_kind for entry in await entries(db, EntryFilter(contract="ua-2013"))] == ["document"]
    assert await entries(db, EntryFilter(document_id="blo_1")) == []


async def test_an_event_is_posted_once(db: Database) -> None:
    async def posted() -> None:
        async with db.transaction() as uow:
            await post(uow, [LAPSED])

    await posted()
    with pytest.raises(asyncpg.UniqueViolationError):
        await posted()
    assert len(await entries(db, EntryFilter())) == 1


@pytest.mark.parametrize("postings", [(Posting("cash", 1),), (Posting("cash", 0),)], ids=["off", "nothing"])
def test_an_entry_balances_and_posts_something(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(AssertionError):
        NewEntry(LAPSED.source, None, "UA", "USD", LAPSED.posted_on, "off", postings)
