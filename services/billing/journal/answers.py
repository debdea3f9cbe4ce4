"""What the API shows of the journal: debits positive, credits negative, in the decimals of the entry's
currency."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.documents.domain.kinds import RECEIVABLE
from services.billing.journal.rows import Entry
from shared.http.answers import Amount, Answer
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName, DocumentId
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor


class PostingAnswer(Answer):
    """A debit (positive) or a credit (negative)."""

    account: Annotated[str, Field(examples=[RECEIVABLE])]
    amount: Amount
    line: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})]
    """The document's line that it books"""


class JournalEntryAnswer(Answer):
    """A balanced entry: its postings sum to zero."""

    object: Literal["journal_entry"] = "journal_entry"
    id: Annotated[str, Field(examples=["jou_0353HwWXEjxXOHKJzOoT5e"])]
    document: DocumentId
    number: Annotated[str, Field(examples=["DEFAULT-2026-000003"])]
    contract: ContractName
    customer: CustomerName
    posted_on: date
    description: str
    currency: CurrencyCode
    postings: list[PostingAnswer]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        money = currency(entry.currency)
        return made_from(
            cls,
            entry,
            id=entry.entry_id,
            document=entry.document_id,
            postings=[
                PostingAnswer(
                    account=posting.account,
                    amount=format_minor(posting.amount_minor, money),
                    line=posting.line_id,
                )
                for posting in entry.postings
            ],
        )
