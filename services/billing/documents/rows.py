"""Documents, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class FinalizedDocument:
    """What is told of a row of `documents` that is history, its lines aside."""

    document_id: str
    created_at: datetime
    kind: str
    status: str
    number: str
    contract: str
    customer_id: str
    customer: str
    legal_entity: str
    currency: str
    start_date: date
    end_date: date
    occasion: str
    issued_on: date
    due_on: date
    subtotal_minor: int
    total_minor: int
    corrects: str | None
