"""A document as it is read: a draft that follows its statement, or history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from shared.topics.rating import StatementSegment


@dataclass(frozen=True, slots=True)
class Line:
    """A settled line. `segments` say how the quantity came together; a draft's are not here but in rating, and its trace shows them."""

    line_id: str
    key: str
    clause_id: str
    clause_hash: str
    version: int
    kind: str
    quantity: Decimal
    amount_minor: int
    meter: str | None = None
    description: str = ""
    segments: tuple[StatementSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or note. Amounts are minor units of `currency`; the dates of the period are local and both inclusive."""

    document_id: str
    kind: str
    status: str
    number: str | None
    contract: str
    customer: str
    customer_name: str
    legal_entity: str
    currency: str
    timezone: str
    start_date: date
    end_date: date
    issued_on: date | None
    due_on: date | None
    subtotal_minor: int
    total_minor: int
    corrects: str | None
    statement_id: str | None
    statement_revision: int | None
    statement_final: bool
    watermark: Mapping[str, int] | None
    watermark_us: int | None
    finalized_at: datetime | None
    created_at: datetime
    lines: tuple[Line, ...] = field(default=())

    def line(self, line_id: str) -> Line | None:
        return next((line for line in self.lines if line.line_id == line_id), None)
