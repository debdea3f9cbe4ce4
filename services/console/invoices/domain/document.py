"""What billing and rating say of documents and their lines, as far as pages show it. Numbers are the texts that they
said; what is not named here is not shown."""

from typing import Any, Final

from msgspec import Struct

from services.console.domain.amounts import Amount
from services.console.domain.formats import DayText, InstantText, Number
from services.console.domain.times import is_zone

#: Kinds of documents that billing makes, and what each is called.
KINDS: Final = {
    "invoice": "Invoice",
    "commitment": "Commitment invoice",
    "prepayment": "Prepayment invoice",
    "debit_note": "Debit note",
    "credit_note": "Credit note",
}
OF_PERIOD: Final = "period"


class Period(Struct, frozen=True):
    start: DayText
    end: DayText


class Draw(Struct, frozen=True):
    block: str
    kind: str
    line: str
    amount: Number


class CorrectedLine(Struct, frozen=True):
    document: str
    line: str


class Step(Struct, frozen=True):
    op: str
    text: str
    output: str
    amount: Number | None


class Line(Struct, frozen=True):
    id: str
    key: str
    contract: str
    period: Period
    version: int
    meter: str | None
    description: str
    quantity: Number
    amount: Number
    corrects: CorrectedLine | None
    steps_kept: bool | None = None
    steps: list[Step] | None = None

    @property
    def name(self) -> str:
        return self.description or self.key


class Held(Struct, frozen=True):
    reason: str
    since: InstantText
    owner: str
    detail: str
    exception: str
    service: str


class Hold(Struct, frozen=True):
    by: str
    at: InstantText
    reason: str


class LookedAt(Struct, frozen=True):
    """What somebody has approved, or marked as seen."""

    by: str
    at: InstantText
    total: Number


class Change(Struct, frozen=True):
    """Against the last period."""

    previous: Number
    amount: Number
    percent: Number | None


class Statement(Struct, frozen=True):
    id: str
    contract: str
    period: Period
    revision: int
    final: bool
    watermark_at: InstantText | None = None


class Document(Struct, frozen=True):
    """An invoice or note, as `GET /v1/invoices/{id}` of billing says it."""

    id: str
    number: str | None
    kind: str
    status: str
    state: str
    held: Held | None
    stale: bool
    customer: str
    customer_name: str
    contract: str
    currency: str
    timezone: str
    period: Period
    occasion: str
    issued_on: DayText | None
    due_on: DayText | None
    lines: list[Line]
    subtotal: Number
    draws: list[Draw]
    total: Number
    change: Change | None
    revisions: dict[str, int]
    hold: Hold | None
    approval: LookedAt | None
    seen: LookedAt | None
    corrects: str | None
    statements: list[Statement]
    finalized_at: InstantText | None
    created_at: InstantText

    def __post_init__(self) -> None:
        if not is_zone(self.timezone):
            raise ValueError("a timezone that is none")

    @property
    def called(self) -> str:
        """Its number, or that it has none yet."""
        return self.number or f"draft of {self.contract}"

    @property
    def money(self) -> Amount:
        """What it comes to before tax."""
        return Amount(self.currency, self.total)

    @property
    def kind_name(self) -> str:
        return KINDS.get(self.kind, self.kind)


class Documents(Struct, frozen=True):
    data: list[Document]
    has_more: bool
    next_cursor: str | None


class Total(Struct, frozen=True):
    """What the documents in one state and of one currency come to."""

    state: str
    currency: str
    documents: int
    total: Number


class Totals(Struct, frozen=True):
    totals: list[Total]


class Clause(Struct, frozen=True):
    hash: str
    section: str
    key: str
    version: int
    effective_at: InstantText
    recorded_at: InstantText
    terms: dict[str, Any]


class Posting(Struct, frozen=True):
    account: str
    amount: Number
    line: str | None
    block: str | None


class Entry(Struct, frozen=True):
    id: str
    posted_on: DayText
    description: str
    currency: str
    postings: list[Posting]


class Event(Struct, frozen=True):
    """A raw event, and what it added to the line's meter."""

    source: str
    id: str
    type: str
    subject: str
    time: InstantText
    received_at: InstantText
    data: Any
    group: dict[str, str]
    value: Number
    item: str | None


class Events(Struct, frozen=True):
    data: list[Event]
    has_more: bool
    next_cursor: str | None


class Explanation(Struct, frozen=True):
    currency: str
    steps: list[Step] | None


class Correction(Struct, frozen=True):
    occasion: str
    quantity: Number
    amount: Number
    before: Number
    asked: Number


class Trace(Struct, frozen=True):
    """A line down to its events and clauses, as `GET /v1/invoices/{id}/lines/{line}/trace` of billing says it."""

    document: str
    number: str | None
    customer: str
    contract: str
    period: Period
    line: Line
    clause_versions: list[Clause]
    explanation: Explanation | None
    journal_entry: Entry | None
    events: Events | None
    correction: Correction | None

    @property
    def steps(self) -> list[Step]:
        """How its amount came about; none where that was not kept."""
        return (self.explanation.steps if self.explanation else self.line.steps) or []


class Happened(Struct, frozen=True):
    """Something that became of a document, by the machine's clock."""

    at: InstantText
    what: str
    by: str | None
    of: str | None
    revision: int | None
    said: str | None


class History(Struct, frozen=True):
    """What became of a document, the oldest first, as `GET /v1/invoices/{id}/history` of billing says it."""

    happened: list[Happened]


class Refused(Struct, frozen=True):
    """Why one act of many was not done."""

    code: str
    title: str
    detail: str


class Acted(Struct, frozen=True):
    act: str
    document: str
    refused: Refused | None


class Acts(Struct, frozen=True):
    """What became of each of many acts, as `POST /v1/invoices/reviews` of billing says it."""

    done: int
    refused: int
    acts: list[Acted]
