"""What billing says: documents, each a snapshot that is written once when draft and never changes once
finalized."""

from decimal import Decimal

import msgspec

from shared.topics.rating import PERIOD, LineDraw
from shared.topics.registry import Topic, TopicKind, fields


class CorrectedLine(msgspec.Struct, frozen=True):
    """A line of an older document, which a line of a note corrects."""

    document_id: str
    line_id: str


class DocumentLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A settled line of the contract, period and statement that it names; a message of before names none, and
    its lines are of its own."""

    line_id: str
    key: str
    clause: str  # clause id
    version: int
    kind: str
    quantity: Decimal
    amount_minor: int
    clause_hash: str = ""
    description: str = ""
    meter: str | None = None
    contract: str = ""
    period_start_date: str = ""
    period_end_date: str = ""  # inclusive
    statement_id: str = ""
    tax_class: str | None = None
    corrects: CorrectedLine | None = None
    draws: tuple[LineDraw, ...] = ()


class DocumentMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """An invoice or note: draft (re-written with its statement) or finalized (history)."""

    document_id: str  # inv_…
    revision: int
    kind: str  # invoice | commitment | prepayment | debit_note | credit_note
    status: str  # draft | finalized
    number: str | None
    contract: str
    customer_id: str
    customer: str
    legal_entity: str
    currency: str
    period_start_date: str
    period_end_date: str  # inclusive
    issued_on: str | None
    due_on: str | None
    lines: tuple[DocumentLine, ...]
    subtotal_minor: int
    total_minor: int  # the subtotal less the draws of all lines
    corrects: str | None = None
    occasion: str = PERIOD  # of its statement; one document a contract, period and occasion


DOCUMENTS = Topic(
    "billing.documents",
    DocumentMessage,
    TopicKind.SNAPSHOT,
    fields("contract"),
    "billing",
    ("signals",),
    identified_by=fields("document_id"),
)
