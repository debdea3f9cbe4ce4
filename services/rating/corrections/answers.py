"""What the API shows of corrections, and of late usage."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.corrections.usecases.late_usage import HeldUsage, LateLine
from services.rating.corrections.usecases.price_again import Correction
from shared.http.answers import Amount, Answer, Instant, Quantity
from shared.http.shown_names import ContractName, CurrencyCode, LineKey, SubjectName
from shared.values.money import currency, format_minor

Batches = Annotated[dict[str, int], Field(examples=[{"0": 17}])]


class PeriodDaysAnswer(Answer):
    """A service period: local days, both included."""

    start: date
    end: date


class CorrectionAnswer(Answer):
    """What a final period comes to now, and what is asked for beyond what was before."""

    object: Literal["correction"] = "correction"
    contract: ContractName
    period: PeriodDaysAnswer
    number: int | None
    """Null where no line changed: then it is no correction"""
    occasion: Annotated[str | None, Field(examples=["note:1"])]
    """Of its note; null where there is none"""
    outcome: Literal["note", "carried", "waived", "unchanged"]
    """A note asks for the difference; or it is carried to the next correction, or waived, as too small"""
    currency: CurrencyCode
    subtotal: Amount
    """Of the whole period"""
    asked: Amount
    """The difference, less its draws"""
    watermark: Batches

    @classmethod
    def of(cls, made: Correction) -> Self:
        message = made.message
        money = currency(message.currency)
        return cls(
            contract=message.contract,
            period=PeriodDaysAnswer(
                start=date.fromisoformat(message.period_start_date),
                end=date.fromisoformat(message.period_end_date),
            ),
            number=made.number,
            occasion=message.occasion if made.outcome == "note" else None,
            outcome=made.outcome,
            currency=message.currency,
            subtotal=format_minor(message.subtotal_minor, money),
            asked=format_minor(made.row.asked_minor, money),
            watermark=dict(message.watermark),
        )


class CorrectionsAnswer(Answer):
    """What a run of corrections came to: of each final period that was marked, the oldest first."""

    object: Literal["corrections"] = "corrections"
    contract: ContractName
    corrections: list[CorrectionAnswer]

    @classmethod
    def of_run(cls, contract: str, made: Sequence[Correction]) -> Self:
        return cls(contract=contract, corrections=[CorrectionAnswer.of(one) for one in made])


class LateLineAnswer(Answer):
    """By how much a line would change."""

    period_start: date
    """Of the period whose line it is: a commitment that reaches over several final ones changes others too"""
    key: LineKey
    quantity: Quantity
    amount: Amount

    @classmethod
    def of_line(cls, line: LateLine, code: str) -> Self:
        return cls(
            period_start=line.start_date,
            key=line.key,
            quantity=line.quantity,
            amount=format_minor(line.amount_minor, currency(code)),
        )


class LateUsageAnswer(Answer):
    """Usage of a final period that came after all was accepted, and waits for a decision."""

    object: Literal["late_usage"] = "late_usage"
    contract: ContractName
    period: PeriodDaysAnswer
    accepted_until: Instant
    """Of the business clock: what came until then corrected the period by itself"""
    events: Annotated[int, Field(ge=0)]
    """Events that came, and voids of others"""
    currency: CurrencyCode
    amount: Amount | None
    """What it comes to if it is billed, in all periods that change; null where it cannot be priced"""
    asked: Amount | None
    """What of that documents would ask for: what blocks do not pay"""
    lines: list[LateLineAnswer]
    fault: str | None
    """Why it cannot be priced"""
    watermark: Batches
    """Up to where it was looked at: what a decision about it names"""

    @classmethod
    def of(cls, held: HeldUsage) -> Self:
        money = currency(held.currency)
        return cls(
            contract=held.period.claimed.contract,
            period=PeriodDaysAnswer(start=held.start_date, end=held.end_date),
            accepted_until=held.period.accept_until,
            events=held.events,
            currency=held.currency,
            amount=None if held.fault else format_minor(held.amount_minor, money),
            asked=None if held.fault else format_minor(held.asked_minor, money),
            lines=[LateLineAnswer.of_line(line, held.currency) for line in held.lines],
            fault=held.fault,
            watermark=dict(held.up_to),
        )


class DecisionAnswer(Answer):
    """What was decided about late usage."""

    object: Literal["late_usage_decision"] = "late_usage_decision"
    contract: ContractName
    period_start: date
    decision: Literal["bill", "waive"]
    reason: str
    after: Batches
    """The batches it begins after"""
    up_to: Batches
    subjects: list[SubjectName]
    """Those whose usage it is about: what joins by an alias later is held again"""
    late_usage: LateUsageAnswer
    """As it was held"""
