"""GET /v1/journal: what the books say."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.billing.journal import usecases
from services.billing.journal.answers import JournalEntryAnswer
from services.billing.journal.rows import EntryFilter
from services.billing.parameters import Contract, CurrencyCode, Customer, Text
from shared.http.answers import Listed
from shared.http.cursors import name_in
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.runtime.service import Ctx

router = APIRouter(prefix="/v1/journal", tags=["Journal"], dependencies=[requires("invoices:read")])


@router.get(
    "",
    operation_id="list_journal",
    summary="Journal entries with their postings, newest first; `account`: entries that touch it",
)
async def list_journal(
    context: Ctx,
    page: Paged,
    document: Text = None,
    account: Text = None,
    customer: Customer = None,
    contract: Contract = None,
    currency: CurrencyCode = None,
    posted_from: Annotated[date | None, Query(description="Posted on this day or later")] = None,
    posted_to: Annotated[date | None, Query(description="Posted on this day or earlier")] = None,
) -> Listed[JournalEntryAnswer]:
    asked = EntryFilter(document, account, customer, contract, currency, posted_from, posted_to)
    before = name_in(page)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        found = await usecases.list_entries(uow, asked, before, page.limit + 1)
    return Listed[JournalEntryAnswer].page(found, page, lambda entry: [entry.entry_id], JournalEntryAnswer.of)
