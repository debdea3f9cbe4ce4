"""GET /v1/journal: what the books say."""

from fastapi import APIRouter

from services.billing.context import Ctx
from services.billing.journal import usecases
from services.billing.journal.answers import JournalEntryAnswer
from services.billing.journal.parameters import Asked
from shared.http.answers import Listed
from shared.http.cursors import name_in
from shared.http.keys import requires
from shared.http.paging import Paged

router = APIRouter(prefix="/v1/journal", tags=["Journal"], dependencies=[requires("invoices:read")])


@router.get(
    "",
    operation_id="list_journal",
    summary="Journal entries with their postings, newest first; `account`, `block`: entries that touch it",
)
async def list_journal(context: Ctx, page: Paged, asked: Asked) -> Listed[JournalEntryAnswer]:
    before = name_in(page)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        found = await usecases.list_entries(uow, asked, before, page.limit + 1)
    return Listed[JournalEntryAnswer].page(found, page, lambda entry: [entry.entry_id], JournalEntryAnswer.of)
