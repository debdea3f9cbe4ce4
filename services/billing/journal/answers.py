"""What the API shows of the journal: debits positive, credits negative, in the decimals of the entry's
currency."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.documents.domain.kinds import RECEIVABLE
from services.billing.journal.domain.sources import BLOCK, DOCUMENT, FINALIZED
from services.billing.journal.rows import Entry, Numbered
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


class NumberedAnswer(Answer):
    """The month's documents of one series."""

    series: Annotated[str, Field(examples=["DEFAULT-2026"])]
    documents: int
    first: Annotated[str, Field(examples=["DEFAULT-2026-000003"])]
    """The first of their numbers: between it and the last, other months may have some"""
    last: Annotated[str, Field(examples=["DEFAULT-2026-000096"])]
    unposted: int
    """Of how many the journal has no entry: K5 names each"""

    @classmethod
    def of(cls, numbered: Numbered) -> Self:
        return made_from(cls, numbered)


class JournalMonthAnswer(Answer):
    """As what the documents of a month are numbered, and whether the journal has them."""

    object: Literal["journal_month"] = "journal_month"
    month: Annotated[str, Field(examples=["2026-03"])]
    documents: int
    unposted: int
    series: list[NumberedAnswer]

    @classmethod
    def of(cls, month: str, found: Sequence[Numbered]) -> Self:
        return cls(
            month=month,
            documents=sum(one.documents for one in found),
            unposted=sum(one.unposted for one in found),
            series=[NumberedAnswer.of(one) for one in found],
        )
