"""What the API shows of blocks."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.blocks.domain.found import FoundBlock
from services.rating.blocks.rows import DocumentOfBlock, RowKind, StoredRow
from shared.http.answers import Amount, Answer, Instant, Quantity
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName, LineKey
from shared.values.money import currency, format_minor

BlockId = Annotated[str, Field(examples=["blk_0355r6GE5yU135fW6KlO0n"])]
Kind = Literal["prepaid", "promotional", "commitment", "roll_over", "shortfall"]


class BlockAnswer(Answer):
    """An amount that contracts draw on, and what became of it:
    granted + adjusted = drawn − returned + expired + voided + refunded + left."""

    object: Literal["block"] = "block"
    id: BlockId
    key: LineKey
    """Of its clause, or its id"""
    kind: Kind
    currency: CurrencyCode
    customer: CustomerName
    contracts: list[ContractName]
    """Who draws on it, in this order"""
    effective: Instant
    expires: Instant | None
    """Excluded itself"""
    priority: int | None
    applies_to: list[LineKey] | None
    """Keys and kinds of lines; null: all"""
    reason: Annotated[str | None, Field(examples=["goodwill"])]
    document: DocumentOfBlock | None
    """What asks for it; null: it is given, or its clause says so"""
    cost_basis: Annotated[Quantity | None, Field(examples=["0.8"])]
    """What is paid for a unit of it; null: it is given, or of a clause"""
    returned_from: BlockId | None
    """The block whose time was over when this came back to it"""
    granted: Amount
    adjusted: Amount
    drawn: Amount
    returned: Amount
    expired: Amount
    """Less what late usage took back of it"""
    voided: Amount
    refunded: Amount
    given_back: Amount
    """In money, of what was refunded: at its cost basis"""
    held: Amount
    left: Amount
    as_of: Instant
    """Machine clock: all usage folded before is in it, where its statements could be priced in time"""

    @classmethod
    def of(cls, block: FoundBlock, as_of: datetime) -> Self:
        of = currency(block.currency)

        def money(minor: int) -> str:
            return format_minor(minor, of)

        return cls(
            id=block.block_id,
            key=block.key,
            kind=block.kind,
            currency=block.currency,
            customer=block.customer,
            contracts=list(block.contracts),
            effective=block.effective,
            expires=block.ends,
            priority=block.priority,
            applies_to=None if block.applies_to is None else list(block.applies_to),
            reason=block.reason,
            document=block.document,
            cost_basis=block.cost_basis,
            returned_from=block.returned_from,
            granted=money(block.sum_of("grant")),
            adjusted=money(block.sum_of("adjustment")),
            drawn=money(-block.sum_of("draw")),
            returned=money(block.sum_of("return")),
            expired=money(-block.sum_of("expiry", "revived")),
            voided=money(-block.sum_of("void")),
            refunded=money(-block.sum_of("refund")),
            given_back=money(block.given_back_minor),
            held=money(0),
            left=money(block.left_minor),
            as_of=as_of,
        )


class BlockRowAnswer(Answer):
    """A change of a balance: what it adds, and what caused it."""

    object: Literal["block_row"] = "block_row"
    id: int
    kind: RowKind
    amount: Amount
    at: Instant
    recorded_at: Instant
    """Business clock"""
    contract: ContractName | None
    period_start: Instant | None
    statement: Annotated[str | None, Field(examples=["0b0ecf6b-4d4b-5b0e-8f6c-1f1b8f6f9d10"])]
    line: Annotated[str | None, Field(examples=["8d0f5f0c-6a55-5b0e-8f6c-1f1b8f6f9d10"])]
    slice: Instant | None
    """Where the slice of the period begins that it pays"""
    cause: Annotated[str, Field(examples=["statement"])]
    given_back: Amount | None
    """In money, of a refund"""

    @classmethod
    def of(cls, row: StoredRow, of: str) -> Self:
        return cls(
            id=row.row_id,
            kind=row.kind,
            amount=format_minor(row.amount_minor, currency(of)),
            at=row.at,
            recorded_at=row.recorded_at,
            contract=row.contract,
            period_start=row.period_start,
            statement=row.statement_id and str(row.statement_id),
            line=row.line_id and str(row.line_id),
            slice=row.slice_start,
            cause=row.cause,
            given_back=None
            if row.given_back_minor is None
            else format_minor(row.given_back_minor, currency(of)),
        )
