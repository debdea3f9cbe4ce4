"""A document as it is read: a draft that follows its statement, or history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self

from services.billing.documents.domain.kinds import DocumentKind
from services.billing.documents.domain.reviewed import AWAITING_APPROVAL, Approval, Hold, Seen, State
from shared.topics.rating import LineDraw, StatementLine, StatementMessage, StatementSegment, StatementStep
from shared.topics.statement_steps import steps_asked
from shared.values.instants import from_us
from shared.values.made_from import made_from


@dataclass(frozen=True, slots=True)
class CorrectedLine:
    """A line of an older document, which a line of a note corrects."""

    document_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """A settled line, of the contract, service period and statement that it names: a document may have lines of
    several. The dates are local and both inclusive; `tax_class` is None before there are taxes.

    `segments` say how the quantity came together, and `steps` how the amount did; None where they are not here. A list
    leaves them out, and a draft's are in rating, whose explanation its trace shows. A line that was final before steps
    were kept has segments and no steps.
    """

    contract: str
    period_start: datetime
    start_date: date
    end_date: date
    statement_id: str
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
    tax_class: str | None = None
    corrects: CorrectedLine | None = None
    draws: tuple[LineDraw, ...] = ()
    segments: tuple[StatementSegment, ...] | None = None
    steps: tuple[StatementStep, ...] | None = None

    @classmethod
    def of(
        cls,
        statement: StatementMessage,
        line: StatementLine,
        segments: tuple[StatementSegment, ...] | None,
        corrects: CorrectedLine | None,
    ) -> Self:
        """Take over a line of a statement, and with segments its steps."""
        return made_from(
            cls,
            line,
            contract=statement.contract,
            period_start=from_us(statement.period_start_us),
            start_date=date.fromisoformat(statement.period_start_date),
            end_date=date.fromisoformat(statement.period_end_date),
            statement_id=statement.statement_id,
            meter=line.meter,
            description=line.description,
            corrects=corrects,
            draws=line.draws,
            segments=segments,
            steps=None if segments is None else steps_asked(statement, line),
        )

    @property
    def steps_kept(self) -> bool | None:
        """Whether it was kept how the amount came about; None where nothing of that is here."""
        return None if self.segments is None else self.steps is not None

    @property
    def drawn_minor(self) -> int:
        """What of it is paid from balances."""
        return sum(draw.amount_minor for draw in self.draws)


@dataclass(frozen=True, slots=True)
class Held:
    """Why a draft is not whole, or may not become an invoice. `service`: whose exception it is; `since` is of
    the business clock.

    `events`: how many events are in the way, None where it is not single events; `named`: the first few, as
    (source, id).
    """

    reason: str
    since: datetime
    exception: str
    service: str
    owner: str
    detail: str
    events: int | None = None
    named: tuple[tuple[str, str], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the figures are all there: what billing itself holds follows a statement that could be
        priced."""
        return self.service == "billing"


@dataclass(frozen=True, slots=True)
class StatementSource:
    """A statement of rating that a document says again: its lines, until the document has its own.

    `watermark`: partition of usage.events → last batch that counted; `watermark_us`: when the newest of it
    was received (machine clock, µs; 0: nothing).
    """

    statement_id: str
    contract: str
    start_date: date
    end_date: date
    revision: int
    final: bool
    watermark: Mapping[str, int]
    watermark_us: int

    @classmethod
    def of(cls, statement: StatementMessage) -> Self:
        return made_from(
            cls,
            statement,
            start_date=date.fromisoformat(statement.period_start_date),
            end_date=date.fromisoformat(statement.period_end_date),
        )


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or note, made from `statements`. A draft says what they say; a finalized one speaks for
    itself. A contract and period have one document for each `occasion`, such as "period".

    Amounts are minor units of `currency`; the dates of the period are local and both inclusive. An open draft
    has all usage that rating had folded before `as_of` (machine clock), or is `stale`: then it was priced at
    `as_of`, and may lack what was folded since. `previous_minor`: what the contract's last period came to.
    """

    document_id: str
    kind: DocumentKind
    status: Literal["draft", "finalized"]
    number: str | None
    contract: str
    customer: str
    customer_name: str
    legal_entity: str
    currency: str
    timezone: str
    start_date: date
    end_date: date
    occasion: str
    issued_on: date | None
    due_on: date | None
    subtotal_minor: int
    total_minor: int
    corrects: str | None
    statements: tuple[StatementSource, ...]
    finalized_at: datetime | None
    created_at: datetime
    lines: tuple[Line, ...] = field(default=())
    held: Held | None = None
    as_of: datetime | None = None
    stale: bool = False
    previous_minor: int | None = None
    hold: Hold | None = None
    approval: Approval | None = None
    seen: Seen | None = None

    @property
    def state(self) -> State:
        """Where it stands; the column of the same name says it of a draft as it was heard."""
        if self.status == "finalized":
            return "finalized"
        if self.held is not None:
            return "awaiting_approval" if self.held.reason == AWAITING_APPROVAL else "held"
        return "open" if self.is_open else "due"

    @property
    def is_open(self) -> bool:
        """Whether it is a draft a statement of which may still change."""
        return self.status == "draft" and any(not source.final for source in self.statements)

    @property
    def is_marked_seen(self) -> bool:
        return self.seen is not None and self.seen.stands(self.total_minor, final=not self.is_open)

    def line(self, line_id: str) -> Line | None:
        return next((line for line in self.lines if line.line_id == line_id), None)
