"""What finalization writes, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

import msgspec

from services.billing.documents.domain.document import Line
from services.billing.finalization.domain.drafts import Numbered
from shared.db.columns import JSONB, Integer, Uuid
from shared.values.made_from import made_from

_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class LineRow:
    """A row of `document_lines`."""

    document_id: str
    position: Integer
    line_id: str
    key: str
    clause_id: str
    clause_hash: str
    version: Integer
    kind: str
    meter: str | None
    description: str
    quantity: Decimal
    amount_minor: int
    segments: Annotated[msgspec.Raw, JSONB]
    contract: str
    period_start: datetime
    start_date: date
    end_date: date
    statement_id: Uuid
    tax_class: str | None
    corrects_document: str | None
    corrects_line: str | None
    draws: Annotated[msgspec.Raw, JSONB]
    steps: Annotated[msgspec.Raw | None, JSONB]

    @classmethod
    def of(cls, document_id: str, position: int, line: Line) -> Self:
        return made_from(
            cls,
            line,
            document_id=document_id,
            position=position,
            corrects_document=line.corrects and line.corrects.document_id,
            corrects_line=line.corrects and line.corrects.line_id,
            segments=msgspec.Raw(_encoder.encode(line.segments)),
            draws=msgspec.Raw(_encoder.encode(line.draws)),
            steps=None if line.steps is None else msgspec.Raw(_encoder.encode(line.steps)),
        )


@dataclass(frozen=True, slots=True)
class HeldDraft:
    """What a draft that may not be finalized gets: what is in its way, and in how many seconds it is looked at again.
    `held_until`: as it was read."""

    document_id: str
    obstacle: str
    hold_s: Integer
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class FinalizedRow:
    """What a row of `documents` gets when it becomes history."""

    document_id: str
    series: str
    number: str
    issued_on: date
    due_on: date
    customer_name: str | None
    corrects: str | None
    finalized_at: datetime

    @classmethod
    def of(cls, document: Numbered, now: datetime) -> Self:
        return made_from(
            cls,
            document,
            document_id=document.draft.document_id,
            customer_name=document.draft.customer_name,
            corrects=document.draft.corrects,
            finalized_at=now,
        )
