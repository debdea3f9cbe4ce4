"""What the API shows of blocks."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.blocks.domain.found import FoundBlock
from services.rating.blocks.rows import DocumentOfBlock, RowKind, StoredRow
from shared.http.answers import Amount, Answer, Instant, Quantity
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName, LineKey
from shared.pricing.blocks.cost import USUAL
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
    returned_from: BlockId | None
    """The block whose time was over when this came back to it"""
    cost_basis: Annotated[Quantity | None, Field(examples=["0.8"])]
    """What is paid for a unit of it; null: it is of a commitment"""
    granted: Amount
    adjusted: Amount
    drawn: Amount
    returned: Amount
    expired: Amount
    """Less what late usage took back of it"""
    voided: Amount
    refunded: Amount
    given_back: Amount
    """What was paid for what is refunded, in money"""
    held: Amount
    left: Amount
    paid_left: Amount
    """What was paid for what is left, in money; what open statements draw is still in it where its cost basis is neither 0 nor 1"""
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
            returned_from=block.returned_from,
            cost_basis=basis_of(block),
            granted=money(block.sum_of("grant")),
            adjusted=money(block.sum_of("adjustment")),
            drawn=money(-block.sum_of("draw")),
            returned=money(block.sum_of("return")),
            expired=money(-block.sum_of("expiry", "revived")),
            voided=money(-block.sum_of("void")),
            refunded=money(-block.sum_of("refund")),
            given_back=money(paid_of(block, -block.sum_of("refund"), block.refund_cost_minor)),
            held=money(0),
            left=money(block.left_minor),
            paid_left=money(paid_of(block, block.left_minor, block.cost_left_minor)),
            as_of=as_of,
        )


def basis_of(block: FoundBlock) -> Decimal | None:
    """What is paid for a unit of a block; None: it is of a commitment."""
    return USUAL.get(block.kind) if block.cost_basis is None else block.cost_basis


def paid_of(block: FoundBlock, minor: int, cost_minor: int | None) -> int:
    """What was paid for so much of a block. `cost_minor`: where it has a cost basis that is not usual for its kind."""
    if block.cost_basis is not None:
        return cost_minor or 0
    return 0 if block.kind == "promotional" else minor


class BlockRowAnswer(Answer):
    """A change of a balance: what it adds, and what caused it."""

    object: Literal["block_row"] = "block_row"
    id: int
    kind: RowKind
    amount: Amount
    cost: Amount | None
    """What was paid for what it adds; null: it is of an open statement, whose draws on this block cost nothing yet"""
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

    @classmethod
    def of(cls, row: StoredRow, of: FoundBlock) -> Self:
        money = currency(of.currency)
        open_still = of.cost_basis is not None and row.cost_minor is None
        return cls(
            id=row.row_id,
            kind=row.kind,
            amount=format_minor(row.amount_minor, money),
            cost=None if open_still else format_minor(paid_of(of, row.amount_minor, row.cost_minor), money),
            at=row.at,
            recorded_at=row.recorded_at,
            contract=row.contract,
            period_start=row.period_start,
            statement=row.statement_id and str(row.statement_id),
            line=row.line_id and str(row.line_id),
            slice=row.slice_start,
            cause=row.cause,
        )
