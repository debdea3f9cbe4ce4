"""Blocks and the changes of their balances, as rows: the fields are the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from services.rating.blocks.domain.lapsed import Lapsed
from shared.db.columns import JSONB, Integer, SmallInteger, Uuid
from shared.pricing.blocks import Block
from shared.pricing.blocks.block import BlockKind
from shared.pricing.blocks.parts import Part
from shared.values.made_from import made_from

DocumentOfBlock = Literal["none", "prepayment"]
RowKind = Literal["grant", "draw", "return", "expiry", "revived", "void", "refund", "adjustment"]
Clauses = Annotated[Sequence[str], JSONB]


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block as it is granted. `granted_minor`: by its clause or by a call, what the end of another block makes of it left
    out; `asked_for`: documents ask for that; `returned_from`: the block whose time was over when this came back to it.
    `document` is of a prepaid one that a call grants; `cost_basis` is what is paid for a unit of it, None: 1, or it is given."""

    block_id: str
    customer_id: str
    key: str
    kind: BlockKind
    currency: str
    effective: datetime
    ends: datetime | None
    created_at: datetime
    priority: Integer | None
    draw_class: Literal["first", "normal", "last"]
    applies_to: Clauses | None
    clauses: Clauses
    granted_minor: int
    reason: str | None = None
    asked_for: bool = False
    document: str | None = None
    returned_from: str | None = None
    cost_basis: Decimal | None = None

    @classmethod
    def of(
        cls, block: Block, customer_id: str, currency: str, granted_minor: int, *, asked_for: bool
    ) -> Self:
        return cls(
            block.id,
            customer_id,
            block.key,
            block.kind,
            currency,
            block.effective,
            block.ends,
            block.created,
            block.priority,
            block.class_,
            block.applies_to,
            block.clauses,
            granted_minor,
            asked_for=asked_for,
        )


@dataclass(frozen=True, slots=True)
class HeldBlock:
    """A block that this transaction holds. `granted_minor`: what was granted, and added or taken back since;
    `bought_minor`: what was granted alone; `left_minor`: the sum of all its rows; `contracts`: who draws on it, in
    order; `by_correction`: a correction was the first to let something roll over to it; `unasked_minor`: what no document
    has asked for, of what documents ask for; `lapsed`: what lapsed, and what of that was never asked for."""

    block_id: str
    customer_id: str
    key: str
    kind: BlockKind
    currency: str
    effective: datetime
    ends: datetime | None
    created_at: datetime
    priority: int | None
    draw_class: Literal["first", "normal", "last"]
    applies_to: Sequence[str] | None
    clauses: Sequence[str]
    over: bool
    document: DocumentOfBlock | None
    returned_from: str | None
    cost_basis: Decimal | None
    voided: bool
    by_correction: bool
    contracts: Sequence[str]
    granted_minor: int
    bought_minor: int
    left_minor: int
    unasked_minor: int
    lapsed_minor: int
    lapsed_unasked_minor: int

    @property
    def lapsed(self) -> Lapsed:
        return Lapsed(self.unasked_minor, self.lapsed_minor, self.lapsed_unasked_minor)

    @property
    def by_call(self) -> bool:
        """Whether no clause made it."""
        return not self.clauses

    @property
    def stands_alone(self) -> bool:
        """Whether no clause makes it again in each period that it touches."""
        alone = self.kind == "shortfall" or self.returned_from is not None or self.by_correction
        return self.by_call or alone

    def block(self) -> Block:
        return Block(
            self.block_id,
            self.key,
            self.kind,
            self.granted_minor,
            self.effective,
            self.ends,
            self.created_at,
            self.priority,
            self.draw_class,
            None if self.applies_to is None else tuple(self.applies_to),
            tuple(self.clauses),
        )


@dataclass(frozen=True, slots=True)
class BlockContract:
    """A contract that draws on a block, and when it is its turn."""

    block_id: str
    contract: str
    position: SmallInteger


@dataclass(frozen=True, slots=True)
class NewRow:
    """A change of a balance. `amount_minor` is what it adds; `cause` says what made it; `unasked_minor` is what of
    a lapse, or of what is taken back of one, no document asked for: it was never owed. `cost_minor` is what was paid for what it
    adds, of a block that was sold below its amount; None: as much as it adds, or it may still be made anew."""

    block_id: str
    kind: RowKind
    amount_minor: int
    at: datetime
    recorded_at: datetime
    cause: str
    contract: str | None = None
    period_start: datetime | None = None
    statement_id: Uuid | None = None
    line_id: Uuid | None = None
    slice_start: datetime | None = None
    unasked_minor: int | None = None
    cost_minor: int | None = None


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A change of a balance as it stands."""

    row_id: int
    block_id: str
    kind: RowKind
    amount_minor: int
    at: datetime
    recorded_at: datetime
    cause: str
    contract: str | None
    period_start: datetime | None
    statement_id: str | None
    line_id: str | None
    slice_start: datetime | None
    cost_minor: int | None


@dataclass(frozen=True, slots=True)
class LastingRow:
    """A change of a balance that stays as it is, with what others are told of its block. `customer` is an external id;
    `carried_from` is the block that has given up `carried_minor` of it; that and `unasked_minor` are at cost, as `cost_minor`
    is (None: it costs its amount)."""

    row_id: int
    block_id: str
    kind: RowKind
    amount_minor: int
    block_kind: BlockKind
    contract: str
    customer_id: str
    customer: str
    currency: str
    at: datetime
    recorded_at: datetime
    cause: str
    asked_for: bool
    period_start: datetime | None
    carried_from: str | None
    carried_minor: int
    unasked_minor: int
    cost_minor: int | None


@dataclass(frozen=True, slots=True)
class AskedBeforehand:
    """What one document asks for of a block: the part `number` of `parts`, due at an instant of a service period. The
    dates are local, of what it is for, and both inclusive. `cost_basis`: what is paid for a unit of the block, of which
    `granted_minor` cost `whole_minor`; None: it is paid at its amount."""

    contract: str
    period_start: datetime
    occasion: str
    kind: Literal["commitment", "prepayment"]
    key: str
    block_id: str
    clause_id: Uuid
    clause_hash: str
    due_at: datetime
    start_date: date
    end_date: date
    amount_minor: int
    whole_minor: int
    number: Integer
    parts: Integer
    granted_minor: int | None
    cost_basis: Decimal | None

    @classmethod
    def of(cls, part: Part, contract: str, period_start: datetime) -> Self:
        return made_from(
            cls,
            part,
            contract=contract,
            period_start=period_start,
            key=part.block.key,
            block_id=part.block.id,
            due_at=part.due,
        )


@dataclass(frozen=True, slots=True)
class DueBeforehand(AskedBeforehand):
    """The same, with whose contract it is. `customer` is an external id."""

    customer_id: str
    customer: str


@dataclass(frozen=True, slots=True)
class ToldBeforehand:
    """A document that was asked for, as it was said."""

    contract: str
    occasion: str
    statement_id: Uuid
    said: str


@dataclass(frozen=True, slots=True)
class BlockFilter:
    """Which blocks; None does not restrict. `customer` is an external id."""

    block_id: str | None = None
    contract: str | None = None
    customer: str | None = None
