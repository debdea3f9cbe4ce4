"""Documents, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import date, datetime

from services.billing.documents.domain.reviewed import State


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


@dataclass(frozen=True, slots=True)
class Total:
    """What documents in one state and of one currency come to, in minor units."""

    state: State
    currency: str
    documents: int
    total_minor: int
