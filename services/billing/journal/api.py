"""GET /v1/journal: what the books say."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.billing.cursors import before_id
from services.billing.journal import usecases
from services.billing.journal.entries import Entry, EntryFilter
from services.billing.parameters import Contract, CurrencyCode, Customer, Text
from shared.http.keys import requires
from shared.http.paging import Paged, listed
from shared.money import currency, format_minor
from shared.service import Ctx

router = APIRouter(prefix="/v1/journal", tags=["Journal"], dependencies=[requires("invoices:read")])


@router.get("", operation_id="list_journal", summary="Journal entries with their postings, newest first; `account`: entries that touch it")
async def list_journal(
    context: Ctx, page: Paged,
    document: Text = None,
    account: Text = None,
    customer: Customer = None,
    contract: Contract = None,
    currency: CurrencyCode = None,
    posted_from: Annotated[date | None, Query(description="Posted on this day or later")] = None,
    posted_to: Annotated[date | None, Query(description="Posted on this day or earlier")] = None,
) -> dict[str, Any]:
    asked = EntryFilter(document, account, customer, contract, currency, posted_from, posted_to)
    found = await usecases.list_entries(context.db, asked, before_id(page), page.limit + 1)
    return listed(found, page, lambda entry: [entry.entry_id], shown_entry)


def shown_entry(entry: Entry) -> dict[str, Any]:
    """The entry as JSON; debits positive, credits negative, in the currency's exponent."""
    money = currency(entry.currency)
    return {
        "object": "journal_entry", "id": entry.entry_id, "document": entry.document_id, "number": entry.number, "contract": entry.contract,
        "customer": entry.customer, "posted_on": entry.posted_on.isoformat(), "description": entry.description, "currency": entry.currency,
        "postings": [
            {"account": posting.account, "amount": format_minor(posting.amount_minor, money), "line": posting.line_id} for posting in entry.postings
        ],
    }
