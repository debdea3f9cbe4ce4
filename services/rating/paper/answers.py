"""What the API and the command line answer to a question."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field

from services.rating.answers import LineKind
from services.rating.paper.domain.answered import Answered
from services.rating.statements.answers import StepAnswer
from shared.http.answers import Amount, Answer, Quantity
from shared.http.shown_names import LineKey
from shared.pricing.results import PricedLine, PricedPeriod
from shared.values.money import Currency, format_minor
from shared.values.period import ServicePeriod

OCCASION = "period"


class PaperPeriodAnswer(Answer):
    """A service period: local days, both included."""

    start: date
    end: date


class PaperLineAnswer(Answer):
    """A line of a statement. `exact` is what was rounded to `amount`."""

    key: LineKey
    kind: LineKind
    quantity: Quantity
    exact: Quantity
    amount: Amount

    @classmethod
    def of(cls, line: PricedLine, to: Currency) -> Self:
        return cls(
            key=line.key,
            kind=line.kind,
            quantity=line.quantity,
            exact=sum((segment.exact for segment in line.segments), Decimal(0))
            if line.segments
            else Decimal(format_minor(line.amount_minor, to)),
            amount=format_minor(line.amount_minor, to),
        )


class PaperDrawAnswer(Answer):
    """What of a line is paid from a block."""

    block: Annotated[str, Field(examples=["launch"])]
    line: LineKey
    amount: Amount


class PaperExplanationAnswer(Answer):
    """The steps that lead to a line: their amounts sum to the line's."""

    line: LineKey
    steps: list[StepAnswer]


class PaperStatementAnswer(Answer):
    """What one document asks for. `sequence` counts the documents of its period from 0."""

    period: PaperPeriodAnswer
    occasion: Annotated[str, Field(examples=[OCCASION])]
    sequence: int
    lines: list[PaperLineAnswer]
    subtotal: Amount
    draws: list[PaperDrawAnswer]
    total: Amount
    explanation: list[PaperExplanationAnswer]

    @classmethod
    def of(cls, period: ServicePeriod, priced: PricedPeriod, to: Currency) -> Self:
        subtotal = format_minor(priced.subtotal_minor, to)
        return cls(
            period=PaperPeriodAnswer(start=period.start_date, end=period.end_date),
            occasion=OCCASION,
            sequence=0,
            lines=[PaperLineAnswer.of(line, to) for line in priced.lines],
            subtotal=subtotal,
            draws=[],
            total=subtotal,
            explanation=[
                PaperExplanationAnswer(
                    line=line.key, steps=[StepAnswer.of(step) for step in priced.explanation[line.line_id]]
                )
                for line in priced.lines
            ],
        )


class PaperBalanceAnswer(Answer):
    """What is left of a block at `until`, and what of it has expired."""

    block: Annotated[str, Field(examples=["launch"])]
    left: Amount
    expired: Amount


class PaperAnswer(Answer):
    """The statements of all periods that begin before `until`, oldest first."""

    statements: list[PaperStatementAnswer]
    balances: list[PaperBalanceAnswer]

    @classmethod
    def of(cls, answered: Answered, to: Currency) -> Self:
        return cls(
            statements=[PaperStatementAnswer.of(period, priced, to) for period, priced in answered],
            balances=[],
        )
