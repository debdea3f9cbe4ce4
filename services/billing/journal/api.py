"""GET /v1/journal: what the books say."""

from typing import Annotated

from fastapi import APIRouter, Path

from services.billing.context import Ctx
from services.billing.journal import usecases
from services.billing.journal.answers import JournalEntryAnswer, JournalMonthAnswer
from services.billing.journal.parameters import Asked
from shared.http import months
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


@router.get(
    "/months/{month}",
    operation_id="get_journal_month",
    summary="As what the documents of a month are numbered, by series, and whether the journal has each",
)
async def get_journal_month(
    context: Ctx,
    month: Annotated[months.Month, Path(description="In which the last day of a period is, such as 2013-12")],
) -> JournalMonthAnswer:
    async with context.db.transaction() as uow:
        return JournalMonthAnswer.of(month, await usecases.numbers_of_month(uow, months.first_day(month)))
