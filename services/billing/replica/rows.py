"""What was heard, as rows: the fields are the columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Self

from services.billing.documents.domain.kinds import kind_of
from shared.db.columns import JSONB, Integer, Texts, Uuid
from shared.runtime.clock import from_us
from shared.topics.rating import STATEMENTS, CustomerMessage, StatementHeld, StatementMessage
from shared.topics.statement_steps import apart
from shared.values.made_from import made_from

# Rows of statements are not frozen: one is made for each revision, and a frozen one of so many fields takes
# fifteen times as long to make.


@dataclass(slots=True)
class ReplicatedStatement:
    """A row of `statements`: the newest revision of a statement, whole."""

    statement_id: Uuid
    revision: int
    contract: str
    customer_id: str
    period_start: datetime
    period_end: datetime
    occasion: str
    final: bool
    watermark: Annotated[Mapping[str, int], JSONB]
    said: str
    explanation: str | None

    @classmethod
    def of(cls, statement: StatementMessage) -> Self:
        said, explanation = apart(statement)
        return made_from(
            cls,
            statement,
            period_start=from_us(statement.period_start_us),
            period_end=from_us(statement.period_end_us),
            occasion=statement.occasion,
            said=STATEMENTS.encode(said).decode(),
            explanation=explanation,
        )


@dataclass(slots=True)
class FollowingDraft:
    """A row of `documents` that says what its statement says."""

    document_id: str
    kind: str
    contract: str
    customer_id: str
    customer: str
    legal_entity: str
    currency: str
    timezone: str
    period_start: datetime
    period_end: datetime
    start_date: date
    end_date: date
    occasion: str
    complete: bool
    net_days: Integer
    skip_zero: bool
    subtotal_minor: int
    total_minor: int
    held: Annotated[StatementHeld | None, JSONB]

    @classmethod
    def of(cls, document_id: str, statement: StatementMessage) -> Self:
        return made_from(
            cls,
            statement,
            document_id=document_id,
            kind=kind_of(statement).name,
            period_start=from_us(statement.period_start_us),
            period_end=from_us(statement.period_end_us),
            start_date=date.fromisoformat(statement.period_start_date),
            end_date=date.fromisoformat(statement.period_end_date),
            occasion=statement.occasion,
            complete=statement.final,
            # What corrects to nothing in all still says which lines it corrects.
            skip_zero=statement.skip_zero_invoices and not statement.is_correction,
            subtotal_minor=statement.document_minor,
            total_minor=statement.document_minor - statement.drawn_minor,
        )


@dataclass(slots=True)
class StatementOfDraft:
    """A row of `document_statements`: which statement a draft is made from, and in which revision."""

    statement_id: Uuid
    document_id: str
    contract: str
    period_start: datetime
    start_date: date
    end_date: date
    occasion: str
    revision: int
    final: bool
    watermark: Annotated[Mapping[str, int], JSONB]
    watermark_us: int

    @classmethod
    def of(cls, document_id: str, statement: StatementMessage) -> Self:
        return made_from(
            cls,
            statement,
            document_id=document_id,
            period_start=from_us(statement.period_start_us),
            start_date=date.fromisoformat(statement.period_start_date),
            end_date=date.fromisoformat(statement.period_end_date),
            occasion=statement.occasion,
        )


@dataclass(frozen=True, slots=True)
class ReplicatedCustomer:
    """A row of `customers`: the newest revision of a customer."""

    customer_id: str
    revision: int
    external_id: str
    name: str
    aliases: Texts
    legal_entity: str
    timezone: str

    @classmethod
    def of(cls, customer: CustomerMessage) -> Self:
        return made_from(cls, customer)
