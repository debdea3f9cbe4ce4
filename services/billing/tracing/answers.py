"""What the API shows of a line that is traced: from the cent back to the events, and the clause that priced
them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.billing.documents.answers import CorrectedLineAnswer, LineAnswer, PeriodAnswer, Watermark
from services.billing.documents.domain.document import Document, Line, StatementSource
from services.billing.documents.domain.reviewed import State
from services.billing.journal.answers import JournalEntryAnswer
from services.billing.tracing.domain.clauses import ClauseText
from services.billing.tracing.domain.periods import LinePeriod
from services.billing.tracing.rows import Happened, HistoryRow
from services.billing.tracing.usecases.trace import Correction, Trace
from shared.http.answers import Amount, Answer, Instant, Quantity, described_by
from shared.http.shown_names import ContractName, CurrencyCode, DocumentId, LineKey
from shared.runtime.clock import from_us
from shared.values.made_from import made_from
from shared.values.money import Currency, currency, format_minor

LINE = "/v1/statements/{contract}/{period_start}/lines/{line}"
Explanation = Annotated[
    dict[str, Any], described_by(f"How rating priced it: `GET {LINE}/explanation` of rating")
]
Events = Annotated[dict[str, Any], described_by(f"A page of its raw events: `GET {LINE}/events` of rating")]
Terms = Annotated[
    dict[str, Any],
    described_by("The clause as it was agreed: `GET /v1/contracts/schema` of rating describes it"),
]


class ClauseAnswer(Answer):
    """A clause of the contract, in one of its versions."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    hash: Annotated[str, Field(examples=["3467a51e94fbbd8298d6c8e6ba20062f"])]
    section: Annotated[str, Field(examples=["lines"])]
    key: LineKey
    version: int
    effective_at: Instant
    recorded_at: Instant
    terms: Terms

    @classmethod
    def of(cls, clause: ClauseText, hashes: Mapping[int, str]) -> Self:
        return cls(
            id=clause.clause,
            hash=hashes[clause.version],
            section=clause.section,
            key=clause.key,
            version=clause.version,
            effective_at=from_us(clause.effective_us),
            recorded_at=from_us(clause.recorded_us),
            terms=dict(clause.terms),
        )


class TracedStatementAnswer(Answer):
    """The statement that the line comes from."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    revision: int
    final: bool
    watermark: Watermark
    """Partition of usage.events → last batch that counted"""

    @classmethod
    def of(cls, source: StatementSource) -> Self:
        return made_from(cls, source, id=source.statement_id, watermark=dict(source.watermark))


class CorrectedPartAnswer(Answer):
    """A part of a note's line: what it asks for beyond an older line; below zero: what it takes back of it."""

    quantity: Quantity
    amount: Amount
    corrects: CorrectedLineAnswer | None
    """Null where no older document has the line"""

    @classmethod
    def of(cls, line: Line, money: Currency) -> Self:
        return cls(
            quantity=line.quantity,
            amount=format_minor(line.amount_minor, money),
            corrects=CorrectedLineAnswer.of(line.corrects) if line.corrects else None,
        )


class TracedCorrectionAnswer(Answer):
    """The correction that a note's line is from: what the line came to then, in the period as a whole, less what was asked
    for before, is the difference that the note asks for."""

    occasion: Annotated[str, Field(examples=["note:1"])]
    subtotal: Amount
    """Of the whole period as corrected"""
    quantity: Quantity
    """Of the whole line as corrected; `events` are those it counts"""
    amount: Amount
    before: Amount
    """What was asked for, or waived, of the line before"""
    asked: Amount
    """The difference: the sum of the parts"""
    parts: list[CorrectedPartAnswer]

    @classmethod
    def of(cls, made: Correction, money: Currency) -> Self:
        asked = sum(part.amount_minor for part in made.parts)
        return cls(
            occasion=made.occasion,
            subtotal=made.subtotal,
            quantity=made.quantity,
            amount=format_minor(made.amount_minor, money),
            before=format_minor(made.amount_minor - asked, money),
            asked=format_minor(asked, money),
            parts=[CorrectedPartAnswer.of(part, money) for part in made.parts],
        )


class TraceAnswer(Answer):
    """One line, traced."""

    object: Literal["trace"] = "trace"
    document: DocumentId
    number: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    customer: str
    contract: str
    period: PeriodAnswer
    line: LineAnswer
    clause: ClauseAnswer | None
    """The newest version that priced a part of the line; null where a call made what it asks for"""
    clause_versions: list[ClauseAnswer]
    """All versions that did, oldest first"""
    statement: TracedStatementAnswer
    explanation: Explanation | None
    """Null where the line has its own `steps`, which it was made final with"""
    journal_entry: JournalEntryAnswer | None
    """Null while the document is a draft"""
    events: Events | None
    """Null where the line counts none"""
    correction: TracedCorrectionAnswer | None
    """Null where it is no note's line"""

    @classmethod
    def of(cls, trace: Trace) -> Self:
        document = trace.document
        money = currency(document.currency)
        hashes = {
            **{piece.version: piece.clause_hash for piece in trace.pieces},
            trace.line.version: trace.line.clause_hash,
        }
        return cls(
            document=document.document_id,
            number=document.number,
            customer=document.customer,
            contract=trace.line.contract,
            period=PeriodAnswer(start=trace.line.start_date, end=trace.line.end_date),
            line=LineAnswer.of(trace.line, money),
            clause=ClauseAnswer.of(trace.clauses[-1], hashes) if trace.clauses else None,
            clause_versions=[ClauseAnswer.of(clause, hashes) for clause in trace.clauses],
            statement=TracedStatementAnswer.of(trace.statement),
            explanation=trace.explanation,
            journal_entry=JournalEntryAnswer.of(trace.entry) if trace.entry else None,
            events=trace.events,
            correction=TracedCorrectionAnswer.of(trace.correction, money) if trace.correction else None,
        )


class LinePeriodAnswer(Answer):
    """What a line came to in one period."""

    period: PeriodAnswer
    document: DocumentId
    number: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    """Null while it is a draft"""
    status: Literal["draft", "finalized"]
    currency: CurrencyCode
    quantity: Quantity | None
    """Null where the period has no such line"""
    amount: Amount
    """On the period's own document; of a draft as it was heard last"""
    noted: Amount
    """What notes about the period ask for beside that, or give back"""
    notes: list[DocumentId]

    @classmethod
    def of(cls, found: LinePeriod) -> Self:
        of = currency(found.currency)
        return cls(
            period=PeriodAnswer(start=found.start_date, end=found.end_date),
            document=found.document.document_id,
            number=found.document.number,
            status=found.document.status,
            currency=found.currency,
            quantity=found.quantity,
            amount=format_minor(found.amount_minor, of),
            noted=format_minor(found.noted_minor, of),
            notes=[note.document_id for note in found.notes],
        )


class LinePeriodsAnswer(Answer):
    """A line over the periods of its contract, the oldest first."""

    object: Literal["line_periods"] = "line_periods"
    line: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    key: LineKey
    kind: Annotated[str, Field(examples=["usage"])]
    meter: Annotated[str | None, Field(examples=["api_calls"])]
    contract: ContractName
    periods: list[LinePeriodAnswer]

    @classmethod
    def of(cls, line: Line, periods: Sequence[LinePeriod]) -> Self:
        return made_from(
            cls, line, line=line.line_id, periods=[LinePeriodAnswer.of(found) for found in periods]
        )


class HappenedAnswer(Answer):
    """Something that became of a document."""

    at: Instant
    """Of the machine clock"""
    what: Happened
    by: Annotated[str | None, Field(examples=["usr_1"])]
    """Who did it, where a person or program acted"""
    of: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    """The statement, number or journal entry it is about"""
    revision: int | None
    """Of that statement"""
    said: str | None
    """A reason, or what was seen"""

    @classmethod
    def of_row(cls, row: HistoryRow) -> Self:
        return made_from(cls, row)


class DocumentHistoryAnswer(Answer):
    """What became of a document, the oldest first. Of the revisions that an open draft went through the newest of each statement
    is here."""

    object: Literal["document_history"] = "document_history"
    document: DocumentId
    number: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    state: State
    happened: list[HappenedAnswer]

    @classmethod
    def of(cls, document: Document, rows: Sequence[HistoryRow]) -> Self:
        return made_from(
            cls,
            document,
            document=document.document_id,
            happened=[HappenedAnswer.of_row(row) for row in rows],
        )
