"""What the API shows of the journal: debits positive, credits negative, in the decimals of the entry's
currency."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.documents.domain.kinds import RECEIVABLE
from services.billing.journal.domain.sources import BLOCK, DOCUMENT, FINALIZED
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
    block: Annotated[str | None, Field(examples=["blk_0355r6GE5yU135fW6KlO0n"])]
    """The block whose balance it changes"""


class SourceAnswer(Answer):
    """What an entry books: an event of a thing, once."""

    kind: Annotated[str, Field(examples=[DOCUMENT, BLOCK])]
    id: DocumentId
    """Of the document, or of the block"""
    event: Annotated[str, Field(examples=[FINALIZED, "expiry:17"])]
    """Of a block: what its row says, and which row of `GET /v1/blocks/{block}/rows` it is"""


class JournalEntryAnswer(Answer):
    """A balanced entry: its postings sum to zero."""

    object: Literal["journal_entry"] = "journal_entry"
    id: Annotated[str, Field(examples=["jou_0353HwWXEjxXOHKJzOoT5e"])]
    source: SourceAnswer
    document: DocumentId | None
    """Null where it books no document"""
    number: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    contract: ContractName | None
    """Null where it is of no one contract"""
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
            source=SourceAnswer(kind=entry.source_kind, id=entry.source_id, event=entry.event),
            document=entry.document_id,
            postings=[
                PostingAnswer(
                    account=posting.account,
                    amount=format_minor(posting.amount_minor, money),
                    line=posting.line_id,
                    block=posting.block_id,
                )
                for posting in entry.postings
            ],
        )
