"""What the API and the command line answer to a question."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field

from services.rating.answers import LineKind
from services.rating.paper.domain.answered import Answered, AnsweredPeriod
from shared.http.answers import Amount, Answer, Quantity
from shared.http.shown_names import LineKey
from shared.http.steps import StepAnswer
from shared.pricing.blocks import Block
from shared.pricing.blocks.parts import Part
from shared.pricing.explanation import Step
from shared.pricing.results import PricedLine, PricedPeriod
from shared.topics.statement_steps import told_step
from shared.values.money import Currency, format_minor, to_decimal
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
    def of(cls, line: PricedLine, steps: Sequence[Step], to: Currency) -> Self:
        amount = to_decimal(line.amount_minor, to)
        rounded = next((step.number("exact") for step in steps if step.op == "settle"), amount)
        return cls(
            key=line.key,
            kind=line.kind,
            quantity=line.quantity,
            exact=rounded,
            amount=format_minor(line.amount_minor, to),
        )


class PaperDrawAnswer(Answer):
    """What of a line is paid from a block."""

    block: Annotated[str, Field(examples=["launch"])]
    line: LineKey
    amount: Amount

    @classmethod
    def all_of(cls, priced: PricedPeriod, to: Currency) -> list[Self]:
        """Return what each block pays of each line in the end."""
        blocks = {block.id: block.key for block in priced.blocks}
        lines = {line.line_id: line.key for line in priced.lines}
        paid: dict[tuple[str, str], int] = {}
        for draw in priced.draws:
            of = blocks[draw.block], lines[draw.line_id]
            paid[of] = paid.get(of, 0) + draw.amount_minor
        return [
            cls(block=block, line=line, amount=format_minor(minor, to))
            for (block, line), minor in paid.items()
            if minor
        ]


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
        return cls(
            period=PaperPeriodAnswer(start=period.start_date, end=period.end_date),
            occasion=OCCASION,
            sequence=0,
            lines=[PaperLineAnswer.of(line, priced.explanation[line.line_id], to) for line in priced.lines],
            subtotal=format_minor(priced.subtotal_minor, to),
            draws=PaperDrawAnswer.all_of(priced, to),
            total=format_minor(priced.total_minor, to),
            explanation=[
                PaperExplanationAnswer(
                    line=line.key,
                    steps=[StepAnswer.of(told_step(step)) for step in priced.explanation[line.line_id]],
                )
                for line in priced.lines
            ],
        )

    @classmethod
    def of_part(cls, part: Part, to: Currency) -> Self:
        """What is asked for of a block beforehand: one line, by one step."""
        amount = format_minor(part.amount_minor, to)
        line = PaperLineAnswer(
            key=part.block.key, kind=part.kind, quantity=Decimal(1), exact=Decimal(amount), amount=amount
        )
        return cls(
            period=PaperPeriodAnswer(start=part.start_date, end=part.end_date),
            occasion=part.occasion,
            sequence=0,
            lines=[line],
            subtotal=amount,
            draws=[],
            total=amount,
            explanation=[
                PaperExplanationAnswer(
                    line=line.key, steps=[StepAnswer.of(told_step(step)) for step in part.share.steps(to)]
                )
            ],
        )


class PaperBalanceAnswer(Answer):
    """What is left of a block at `until`, and what of it has expired."""

    block: Annotated[str, Field(examples=["launch"])]
    left: Amount
    expired: Amount

    @classmethod
    def all_of(cls, answered: Answered, until: datetime, to: Currency) -> list[Self]:
        """Return the blocks that have begun, the latest that was drawn on last."""
        left, expired = dict[str, int](), dict[str, int]()
        for block, minor in _last_of_each(answered):
            if block.effective <= until:
                over = block.ends is not None and block.ends <= until
                left[block.key] = left.get(block.key, 0) + (0 if over else minor)
                expired[block.key] = expired.get(block.key, 0) + (minor if over else 0)
        return [
            cls(block=key, left=format_minor(minor, to), expired=format_minor(expired[key], to))
            for key, minor in left.items()
        ]


class PaperAnswer(Answer):
    """The statements of all periods that begin before `until`, oldest first."""

    statements: list[PaperStatementAnswer]
    balances: list[PaperBalanceAnswer]

    @classmethod
    def of(cls, answered: Answered, until: datetime, to: Currency) -> Self:
        return cls(
            statements=[told for one in answered for told in _statements(one, to)],
            balances=PaperBalanceAnswer.all_of(answered, until, to),
        )


def _statements(one: AnsweredPeriod, to: Currency) -> Iterable[PaperStatementAnswer]:
    """What is asked for beforehand within a period, then what the period comes to."""
    yield from (PaperStatementAnswer.of_part(part, to) for part in one.parts)
    yield PaperStatementAnswer.of(one.period, one.priced, to)


def _last_of_each(answered: Answered) -> Iterable[tuple[Block, int]]:
    """Each block as it was known last, and what of it was left then but for what went on in another."""
    found: dict[str, tuple[Block, int]] = {}
    for _, priced, _ in answered:
        rolled = {one.block: one.amount_minor for one in priced.changes if one.kind == "rolled_over"}
        found |= {
            block.id: (block, priced.left[block.id] - rolled.get(block.id, 0)) for block in priced.blocks
        }
    return found.values()
