"""What the API shows of statements."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.rating.answers import ClauseHash, LineKind
from services.rating.corrections.rows import SaidCorrection
from services.rating.statements.usecases.show_current import CurrentStatement
from shared.http.answers import Amount, Answer, Instant, Quantity
from shared.http.held import HeldAnswer
from shared.http.shown_names import ContractName, CurrencyCode, CustomerId, CustomerName, LineKey, ZoneName
from shared.http.steps import StepAnswer
from shared.pricing.explanation.paper import line_text
from shared.topics.rating import AskedLine, StatementLine, StatementMessage, StatementSegment, StatementStep
from shared.topics.statement_steps import steps_of
from shared.values.instants import from_us
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor, to_decimal

Occasion = Annotated[str, Field(examples=["period"])]
LineId = Annotated[str, Field(examples=["3b8d3c91-f712-56a8-84e8-c987dbb9311a"])]
MeterName = Annotated[str | None, Field(examples=["api_calls"])]
Consumption = Annotated[
    dict[str, str],
    Field(
        description="`spend_minor`: settled, without a top-up; `minimum_minor`; and `included:LINE`, `used:LINE` of each line with an allowance",
        examples=[{"spend_minor": "12000", "included:api": "1000", "used:api": "640"}],
    ),
]


class DaysAnswer(Answer):
    """A service period: local days, both included."""

    start: date
    end: date

    @classmethod
    def of(cls, statement: StatementMessage) -> Self:
        return cls(**_days(statement))


class PeriodAnswer(DaysAnswer):
    """A service period: local days, both included, and its instants."""

    starts_at: Instant
    ends_at: Instant
    """Exclusive"""
    timezone: ZoneName

    @classmethod
    def of(cls, statement: StatementMessage) -> Self:
        return cls(
            **_days(statement),
            starts_at=from_us(statement.period_start_us),
            ends_at=from_us(statement.period_end_us),
            timezone=statement.timezone,
        )


class WatermarkAnswer(Answer):
    """Up to where usage is counted."""

    batches: Annotated[dict[str, int], Field(examples=[{"0": 17}])]
    """Partition of the bus → the last batch id"""
    received_until: Instant


class StatementAnswer(Answer):
    """What a contract's period comes to, without its lines."""

    object: Literal["statement"] = "statement"
    id: Annotated[str, Field(examples=["6f0a9c8e-0c1f-5d3a-9b52-3c0a4b1f7e21"])]
    revision: int
    contract: ContractName
    customer_id: CustomerId
    customer: CustomerName
    """Its external id"""
    currency: CurrencyCode
    period: PeriodAnswer
    final: bool
    close_due_at: Instant
    priced_at: Instant
    watermark: WatermarkAnswer
    contract_versions: list[int]
    """Those in force within the period"""
    subtotal: Amount
    consumption: Consumption
    meters: Annotated[dict[str, int], Field(examples=[{"api_calls": 1767225600000000}])]
    """The meters it counts → the revision of the version it counted by"""
    held: HeldAnswer | None
    """Null where the figures are whole"""

    @classmethod
    def of(cls, statement: StatementMessage) -> Self:
        return cls(**_described(statement))


class CurrentStatementAnswer(Answer):
    """A statement that is about to be shown, as it stands."""

    contract: ContractName
    period_start: date
    current: bool
    """It covers all usage that was added up (folded) before `as_of`"""
    statement: Annotated[str | None, Field(examples=[None])]
    """Its message of rating.statements, whole, as JSON text; null where no newer revision than the asker's can
    be had"""

    @classmethod
    def of(cls, found: CurrentStatement) -> Self:
        return cls(
            contract=found.name.contract,
            period_start=found.name.start_date,
            current=found.current,
            statement=None if found.told is None else found.told.decode(),
        )


class CurrentStatementsAnswer(Answer):
    """Statements that are about to be shown, in the order they were asked for."""

    object: Literal["current_statements"] = "current_statements"
    as_of: Instant
    """Of the machine clock"""
    statements: list[CurrentStatementAnswer]


class StatementsToldAnswer(Answer):
    """What was asked for is priced and on the bus."""

    object: Literal["statements_told"] = "statements_told"
    told: Annotated[int, Field(ge=0)]
    """How many statements waited for it"""


class SegmentAnswer(Answer):
    """A priced piece of a line: a span with one version of the clause, and one group of the meter's
    dimensions."""

    starts_at: Instant
    ends_at: Instant
    """Exclusive"""
    version: int
    clause_hash: ClauseHash
    group: Annotated[dict[str, str], Field(examples=[{"region": "eu"}])]
    quantity: Quantity
    converted: Quantity | None
    """The units that the line makes of the quantity; null: they are the quantity"""
    allowance: Quantity
    """Units covered by the included allowance"""
    priced: Quantity
    """Units beyond it"""
    unpriced: Quantity
    """Units that terms leave without a price"""
    exact: Quantity
    """Its share of the amount, not rounded"""

    @classmethod
    def of(cls, segment: StatementSegment) -> Self:
        return made_from(
            cls,
            segment,
            starts_at=from_us(segment.start_us),
            ends_at=from_us(segment.end_us),
        )


class LineAnswer(Answer):
    """A settled line."""

    id: LineId
    key: LineKey
    kind: LineKind
    description: str
    meter: MeterName
    clause: Annotated[str, Field(examples=["8d0f5f0c-6a55-5b0e-8f6c-1f1b8f6f9d10"])]
    version: int
    clause_hash: ClauseHash
    quantity: Quantity
    amount: Amount
    segments: list[SegmentAnswer]

    @classmethod
    def of(cls, statement: StatementMessage, line: StatementLine) -> Self:
        return made_from(
            cls,
            line,
            id=line.line_id,
            clause=line.clause_id,
            amount=_amount(statement, line.amount_minor),
            segments=[SegmentAnswer.of(segment) for segment in line.segments],
        )


class CorrectedOccasionAnswer(Answer):
    """A line of a statement that was told before."""

    occasion: Occasion
    line: LineId


class AskedLineAnswer(Answer):
    """What a correction asks for of a line beyond what was asked for before; below zero: what it takes back."""

    id: LineId
    key: LineKey
    quantity: Quantity
    amount: Amount
    corrects: CorrectedOccasionAnswer | None
    """Null where no earlier document has the line"""

    @classmethod
    def of(cls, statement: StatementMessage, line: AskedLine) -> Self:
        of = line.corrects
        return cls(
            id=line.line_id,
            key=line.key,
            quantity=line.quantity,
            amount=_amount(statement, line.amount_minor),
            corrects=CorrectedOccasionAnswer(occasion=of.occasion, line=of.line_id) if of else None,
        )


class StatementCorrectionAnswer(Answer):
    """A correction of a final statement: what the period came to then, and what was asked for beyond what was before."""

    occasion: Occasion
    outcome: Literal["note", "carried", "waived"]
    priced_at: Instant
    subtotal: Amount
    asked: list[AskedLineAnswer]

    @classmethod
    def of(cls, made: SaidCorrection) -> Self:
        said = made.message
        assert made.outcome != "unchanged", "it is no correction"
        return cls(
            occasion=said.occasion,
            outcome=made.outcome,
            priced_at=from_us(said.priced_us),
            subtotal=_amount(said, said.subtotal_minor),
            asked=[AskedLineAnswer.of(said, line) for line in said.asked],
        )


class WholeStatementAnswer(StatementAnswer):
    """A statement with its lines and their segments."""

    occasion: Occasion
    """`period`: the period's own; else which correction it is"""
    lines: list[LineAnswer]
    corrections: list[StatementCorrectionAnswer]
    """What came after it was final, oldest first; its own lines stay"""

    @classmethod
    def whole(cls, statement: StatementMessage, corrections: Sequence[SaidCorrection]) -> Self:
        return cls(
            **_described(statement),
            occasion=statement.occasion,
            lines=[LineAnswer.of(statement, line) for line in statement.lines],
            corrections=list(map(StatementCorrectionAnswer.of, corrections)),
        )


class ExplanationAnswer(Answer):
    """Why a line costs what it costs: the amounts of the steps sum to the line's. A final statement's are those that it
    was made final with."""

    object: Literal["explanation"] = "explanation"
    contract: ContractName
    period_start: date
    occasion: Occasion
    revision: int
    currency: CurrencyCode
    line: LineAnswer
    steps: list[StepAnswer] | None
    """Null where the statement was final before steps were kept"""

    @classmethod
    def of(
        cls, statement: StatementMessage, line: StatementLine, steps: tuple[StatementStep, ...] | None
    ) -> Self:
        return cls(
            contract=statement.contract,
            period_start=date.fromisoformat(statement.period_start_date),
            occasion=statement.occasion,
            revision=statement.revision,
            currency=statement.currency,
            line=LineAnswer.of(statement, line),
            steps=None if steps is None else list(map(StepAnswer.of, steps)),
        )


def explanation_text(
    statement: StatementMessage, line: StatementLine, steps: tuple[StatementStep, ...] | None
) -> str:
    """Return an explanation in words, a line a step."""
    period = f"{statement.contract}, {statement.period_start_date} to {statement.period_end_date}"
    written = line_text(
        line.description or line.key,
        line.quantity,
        to_decimal(line.amount_minor, currency(statement.currency)),
        steps_of(steps),
        statement.currency,
        statement.timezone,
    )
    return f"{period}\n\n{written}\n"


class CostLineAnswer(Answer):
    """A line of what a period has come to."""

    key: LineKey
    meter: MeterName
    quantity: Quantity
    amount: Amount

    @classmethod
    def of(cls, statement: StatementMessage, line: StatementLine) -> Self:
        return cls(
            key=line.key,
            meter=line.meter,
            quantity=line.quantity,
            amount=_amount(statement, line.amount_minor),
        )


class ContractCostAnswer(Answer):
    """What the current period of a contract has come to."""

    contract: ContractName
    currency: CurrencyCode
    period: DaysAnswer
    subtotal: Amount
    received_until: Instant
    consumption: Consumption
    held: HeldAnswer | None
    lines: list[CostLineAnswer]

    @classmethod
    def of(cls, statement: StatementMessage) -> Self:
        return cls(
            contract=statement.contract,
            currency=statement.currency,
            period=DaysAnswer.of(statement),
            subtotal=_amount(statement, statement.subtotal_minor),
            received_until=from_us(statement.watermark_us),
            consumption=statement.consumption,
            held=_held(statement),
            lines=[CostLineAnswer.of(statement, line) for line in statement.lines],
        )


class CustomerCostAnswer(Answer):
    """What the current period of each contract of a customer has come to, for the product's own screens."""

    object: Literal["customer_cost"] = "customer_cost"
    customer: CustomerName
    as_of: Instant
    contracts: list[ContractCostAnswer]

    @classmethod
    def of(cls, external_id: str, now: datetime, statements: list[StatementMessage]) -> Self:
        return cls(
            customer=external_id,
            as_of=now,
            contracts=[ContractCostAnswer.of(statement) for statement in statements],
        )


def _described(statement: StatementMessage) -> dict[str, Any]:
    return {
        "id": statement.statement_id,
        "revision": statement.revision,
        "contract": statement.contract,
        "customer_id": statement.customer_id,
        "customer": statement.customer,
        "currency": statement.currency,
        "period": PeriodAnswer.of(statement),
        "final": statement.final,
        "close_due_at": from_us(statement.close_due_us),
        "priced_at": from_us(statement.priced_us),
        "watermark": WatermarkAnswer(
            batches=statement.watermark, received_until=from_us(statement.watermark_us)
        ),
        "contract_versions": list(statement.contract_versions),
        "subtotal": _amount(statement, statement.subtotal_minor),
        "consumption": statement.consumption,
        "meters": statement.meters,
        "held": _held(statement),
    }


def _days(statement: StatementMessage) -> dict[str, date]:
    return {
        "start": date.fromisoformat(statement.period_start_date),
        "end": date.fromisoformat(statement.period_end_date),
    }


def _held(statement: StatementMessage) -> HeldAnswer | None:
    return None if statement.held is None else HeldAnswer.of(statement.held)


def _amount(statement: StatementMessage, minor: int) -> str:
    return format_minor(minor, currency(statement.currency))
