"""What the API shows of documents: the export format, and what a reader needs beside it. Amounts have the
decimals of the document's currency."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.documents.domain.document import CorrectedLine, Document, Held, Line, StatementSource
from services.billing.documents.domain.reviewed import Approval, Hold, Seen, State
from services.billing.documents.rows import Total
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
from shared.values.money import Currency, Rounding, currency, format_minor, round_quotient

Actor = Annotated[str, Field(examples=["usr_1"])]
Revisions = Annotated[
    dict[str, int], Field(examples=[{"8a524ac7-f984-5fe2-bac9-982530b3401c": 1775275200000000}])
]
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


class HoldAnswer(Answer):
    """Somebody does not want the draft to become an invoice yet."""

    by: Actor
    at: Instant
    """Of the business clock"""
    reason: Annotated[str, Field(examples=["price in dispute"])]

    @classmethod
    def of(cls, hold: Hold) -> Self:
        return made_from(cls, hold)


class ApprovalAnswer(Answer):
    """Who approved which revisions. Of what is finalized: by whose word."""

    by: Actor
    at: Instant
    """Of the business clock"""
    policy: int
    """The version of the review policy that asked for it"""
    revisions: Revisions
    total: Amount

    @classmethod
    def of(cls, approval: Approval, money: Currency) -> Self:
        return made_from(cls, approval, total=format_minor(approval.total_minor, money))


class SeenAnswer(Answer):
    """Somebody has looked at the draft while it was open. The mark falls when the final total differs."""

    by: Actor
    at: Instant
    """Of the business clock"""
    revisions: Revisions
    total: Amount
    """What it came to then"""

    @classmethod
    def of(cls, seen: Seen, money: Currency) -> Self:
        return made_from(cls, seen, total=format_minor(seen.total_minor, money))


class ChangeAnswer(Answer):
    """How the total differs from that of the contract's last period."""

    previous: Amount
    """What the last period came to: as the draft began, and again as that period became final"""
    amount: Amount
    percent: Quantity | None
    """Of `previous`, to two decimals; null where that is zero"""

    @classmethod
    def of(cls, total_minor: int, previous_minor: int | None, money: Currency) -> Self | None:
        if previous_minor is None:
            return None
        more = total_minor - previous_minor
        percent = (
            round_quotient(Decimal(100 * more), Decimal(abs(previous_minor)), 2, Rounding.HALF_UP)
            if previous_minor
            else None
        )
        return cls(
            previous=format_minor(previous_minor, money), amount=format_minor(more, money), percent=percent
        )


class DocumentAnswer(Answer):
    """An invoice or note."""

    object: Literal["document"] = "document"
    id: DocumentId
    number: Annotated[str | None, Field(examples=["DEFAULT-2026-000003"])]
    """Null until it is finalized"""
    kind: Annotated[str, Field(examples=["invoice"])]
    status: Literal["draft", "finalized"]
    state: State
    """Of a draft: `open` while its period runs, `due` once it is final, `held` while something is in its way,
    `awaiting_approval` where only that is missing"""
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
    change: ChangeAnswer | None
    """Null where there is no last period, or the document is of no period of its own"""
    revisions: Revisions
    """Of its statements, as they are shown here: what an approval and a mark name"""
    hold: HoldAnswer | None
    """Null where nobody holds it"""
    approval: ApprovalAnswer | None
    seen: SeenAnswer | None
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
            change=ChangeAnswer.of(document.total_minor, document.previous_minor, money),
            revisions={source.statement_id: source.revision for source in document.statements},
            hold=HoldAnswer.of(document.hold) if document.hold else None,
            approval=ApprovalAnswer.of(document.approval, money) if document.approval else None,
            seen=SeenAnswer.of(document.seen, money) if document.is_marked_seen and document.seen else None,
            statements=[StatementAnswer.of(source) for source in document.statements],
        )


class DocumentTotalAnswer(Answer):
    """What the documents in one state and of one currency come to."""

    status: Literal["draft", "finalized"]
    state: State
    currency: CurrencyCode
    documents: int
    total: Amount
    """Notes with their sign"""

    @classmethod
    def of(cls, total: Total) -> Self:
        return made_from(
            cls,
            total,
            status="finalized" if total.state == "finalized" else "draft",
            total=format_minor(total.total_minor, currency(total.currency)),
        )


class DocumentTotalsAnswer(Answer):
    """What all documents come to that fit; currencies are never added."""

    object: Literal["document_totals"] = "document_totals"
    documents: int
    totals: list[DocumentTotalAnswer]

    @classmethod
    def of(cls, totals: Sequence[Total]) -> Self:
        return cls(
            documents=sum(total.documents for total in totals),
            totals=[DocumentTotalAnswer.of(total) for total in totals],
        )
