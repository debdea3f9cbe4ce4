"""What the API shows of documents: the export format, and what a reader needs beside it. Amounts have the
decimals of the document's currency."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.documents.domain.document import CorrectedLine, Document, Held, Line, StatementSource
from shared.http.answers import ABSENT, Amount, Answer, Instant, Quantity
from shared.http.held import EventNameAnswer, HeldAnswer
from shared.http.shown_names import (
    ContractName,
    CurrencyCode,
    CustomerLabel,
    CustomerName,
    DocumentId,
    LegalEntity,
    LineKey,
    ZoneName,
)
from shared.http.steps import StepAnswer
from shared.runtime.clock import from_us
from shared.topics.rating import PERIOD, LineDraw, StatementSegment
from shared.values.made_from import made_from
from shared.values.money import Currency, currency, format_minor

Watermark = Annotated[dict[str, int], Field(examples=[{"0": 65, "1": 67}])]


class PeriodAnswer(Answer):
    """A service period in local days, both inclusive."""

    start: Annotated[date, Field(examples=["2024-01-01"])]
    end: date


class SegmentAnswer(Answer):
    """A part of a line that one version of the terms priced as a whole."""

    start: Instant
    end: Instant
    version: int
    clause_hash: str
    group: dict[str, str]
    """Dimension → value, where the line is priced by dimensions"""
    quantity: Quantity
    converted: Quantity | None
    """The units that the line makes of the quantity; null: they are the quantity"""
    allowance: Quantity
    """Included or carried units that cover a part of it"""
    priced: Quantity
    unpriced: Quantity
    """Units that terms leave without a price"""
    exact: Quantity
    """Money before rounding, which happens once, at the line"""

    @classmethod
    def of(cls, segment: StatementSegment) -> Self:
        return made_from(
            cls,
            segment,
            start=from_us(segment.start_us),
            end=from_us(segment.end_us),
            group=dict(segment.group),
        )


class CorrectedLineAnswer(Answer):
    """A line of an older document."""

    document: DocumentId
    line: Annotated[str, Field(json_schema_extra={"format": "uuid"})]

    @classmethod
    def of(cls, line: CorrectedLine) -> Self:
        return cls(document=line.document_id, line=line.line_id)


class LineAnswer(Answer):
    """A settled line of a contract and service period. `segments` and what follows are absent where they were not loaded: in
    lists, and in drafts."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    key: LineKey
    contract: ContractName
    period: PeriodAnswer
    statement: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    """The statement of rating that it is from"""
    clause: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    clause_hash: Annotated[str, Field(examples=["3467a51e94fbbd8298d6c8e6ba20062f"])]
    version: int
    kind: Annotated[str, Field(examples=["usage"])]
    meter: Annotated[str | None, Field(examples=["api_calls"])]
    description: Annotated[str, Field(examples=["API calls"])]
    quantity: Quantity
    amount: Amount
    tax_class: Annotated[str | None, Field(examples=[None])]
    """Null while nothing is taxed here"""
    corrects: CorrectedLineAnswer | None
    """What a line of a note corrects"""
    segments: list[SegmentAnswer] | None = ABSENT
    steps_kept: bool | None = ABSENT
    """False of a line that was finalized before steps were kept: it has none, and none are made up"""
    steps: list[StepAnswer] | None = ABSENT
    """How its amount came about: their amounts sum to it"""

    @classmethod
    def of(cls, line: Line, money: Currency) -> Self:
        return made_from(
            cls,
            line,
            id=line.line_id,
            period=PeriodAnswer(start=line.start_date, end=line.end_date),
            statement=line.statement_id,
            clause=line.clause_id,
            amount=format_minor(line.amount_minor, money),
            corrects=CorrectedLineAnswer.of(line.corrects) if line.corrects else None,
            segments=None
            if line.segments is None
            else [SegmentAnswer.of(segment) for segment in line.segments],
            steps_kept=line.steps_kept,
            steps=None if line.steps is None else list(map(StepAnswer.of, line.steps)),
        )


class HeldDraftAnswer(HeldAnswer):
    """Why a draft is not whole, or may not become an invoice."""

    service: Annotated[str, Field(examples=["rating"])]
    """Whose exception it is"""

    @classmethod
    def of_draft(cls, held: Held) -> Self:
        return cls(
            reason=held.reason,
            since=held.since,
            events=held.events,
            named=[EventNameAnswer(source=source, id=id) for source, id in held.named],
            exception=held.exception,
            service=held.service,
            owner=held.owner,
            detail=held.detail,
        )


class DrawAnswer(Answer):
    """What of a line is paid from a balance; below zero: returned to it."""

    block: Annotated[str, Field(examples=["blo_0355r6GMHPjnilLt70JBPV"])]
    kind: Annotated[str, Field(examples=["prepaid"])]
    line: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    amount: Amount

    @classmethod
    def of(cls, line: Line, draw: LineDraw, money: Currency) -> Self:
        return made_from(cls, draw, line=line.line_id, amount=format_minor(draw.amount_minor, money))


class StatementAnswer(Answer):
    """A statement of rating that a document is made from: which revision, and what usage it knew."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    contract: ContractName
    period: PeriodAnswer
    revision: int
    final: bool
    watermark: Watermark
    """Partition of usage.events → last batch that counted"""
    watermark_us: int
    watermark_at: Instant | None

    @classmethod
    def of(cls, source: StatementSource) -> Self:
        return made_from(
            cls,
            source,
            id=source.statement_id,
            period=PeriodAnswer(start=source.start_date, end=source.end_date),
            watermark=dict(source.watermark),
            watermark_at=from_us(source.watermark_us) if source.watermark_us else None,
        )


class DocumentAnswer(Answer):
    """An invoice or note."""

    object: Literal["document"] = "document"
    id: DocumentId
    number: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    """Null until it is finalized"""
    kind: Annotated[str, Field(examples=["invoice"])]
    status: Literal["draft", "finalized"]
    held: HeldDraftAnswer | None
    """Null where nothing holds it"""
    as_of: Instant | None
    """Of the machine clock: all usage that rating had added up by then is in an open draft; where it is stale, when it
    was priced. Null where nothing changes any more"""
    stale: bool
    """Usage added up since `as_of` may be missing; ask again in a second"""
    customer: CustomerName
    customer_name: CustomerLabel
    contract: ContractName
    legal_entity: LegalEntity
    currency: CurrencyCode
    timezone: ZoneName
    period: PeriodAnswer
    occasion: Annotated[str, Field(examples=[PERIOD])]
    """Why it was made: a contract and period have one document for each occasion"""
    issued_on: date | None
    due_on: date | None
    lines: list[LineAnswer]
    subtotal: Amount
    draws: list[DrawAnswer]
    """What of its lines is paid from balances"""
    total: Amount
    corrects: str | None
    """The document that this one corrects"""
    statements: list[StatementAnswer]
    """What it is made from, older periods first"""
    finalized_at: Instant | None
    created_at: Instant

    @classmethod
    def of(cls, document: Document) -> Self:
        money = currency(document.currency)
        return made_from(
            cls,
            document,
            id=document.document_id,
            kind=document.kind.name,
            held=HeldDraftAnswer.of_draft(document.held) if document.held else None,
            period=PeriodAnswer(start=document.start_date, end=document.end_date),
            lines=[LineAnswer.of(line, money) for line in document.lines],
            subtotal=format_minor(document.subtotal_minor, money),
            draws=[DrawAnswer.of(line, draw, money) for line in document.lines for draw in line.draws],
            total=format_minor(document.total_minor, money),
            statements=[StatementAnswer.of(source) for source in document.statements],
        )
