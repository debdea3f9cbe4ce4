"""What the API shows of where customers stand, of what they did, and of what the score foretold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.signals.answers import ConsumptionAnswer, IntervalAnswer, RenewalAnswer
from services.signals.domain.backtest import Backtest, Judged
from services.signals.domain.intervals import PLACES
from services.signals.domain.panel.intervals import Interval
from services.signals.domain.panel.sections import Measured, Score, Worth
from services.signals.domain.shown import Document
from services.signals.domain.values import DEFINITIONS
from services.signals.evaluation.answers.evaluated import EvaluatedAnswer, Policy
from services.signals.evaluation.answers.values import ValueAnswer, value_answers
from services.signals.evaluation.usecases.say_standing import ContractStanding, Standing
from services.signals.replica.rows import ActiveDayRow, CustomerRow
from shared.http.answers import Answer, Instant, Quantity, StoredAs
from shared.http.shown_names import ContractName, CustomerLabel, CustomerName, MeterName

Count = Annotated[int, Field(ge=0)]
Evaluated = Annotated[Mapping[str, Any], StoredAs(EvaluatedAnswer)]


class CustomerSignalsAnswer(Answer):
    """Where a customer stood as of an instant."""

    object: Literal["customer_signals"] = "customer_signals"
    customer: CustomerName
    name: CustomerLabel
    at: Instant
    evaluated: Evaluated | None
    """The newest evaluation until then; null before the first"""
    values: list[ValueAnswer]
    """What it says, each value with its unit, definition and evidence"""
    definitions: dict[str, str]
    """What each value means, by its name"""

    @classmethod
    def of(cls, customer: CustomerRow, at: datetime, evaluated: Document | None) -> Self:
        return cls(**_signals(customer, at, evaluated))


def _signals(customer: CustomerRow, at: datetime, evaluated: Document | None) -> Document:
    """What is shown of a customer as of any instant."""
    return {
        "customer": customer.external_id,
        "name": customer.name,
        "at": at,
        "evaluated": evaluated,
        "values": value_answers(evaluated) if evaluated else [],
        "definitions": {name: definition for name, (_, definition) in DEFINITIONS.items()},
    }


class MeterSeenAnswer(Answer):
    """When a meter last spoke of a customer."""

    meter: MeterName
    last_seen_at: Instant
    active_days: Count


class ContractNowAnswer(Answer):
    """A contract by its running statement."""

    contract: ContractName
    consumption: list[ConsumptionAnswer]
    renewal: RenewalAnswer | None
    period: (
        Annotated[list[date], Field(min_length=2, max_length=2, examples=[["2026-04-01", "2026-04-30"]])]
        | None
    )
    """The statement's first and last day; null before the first statement"""
    statement_revision: int | None

    @classmethod
    def of(cls, found: ContractStanding) -> Self:
        return cls(
            contract=found.contract,
            consumption=[ConsumptionAnswer(**asdict(one)) for one in found.consumption],
            renewal=RenewalAnswer(**asdict(found.renewal)),
            period=list(found.period) if found.period else None,
            statement_revision=found.statement_revision,
        )


class LiveCustomerSignalsAnswer(CustomerSignalsAnswer):
    """Where a customer stands: the newest evaluation, and what is known this moment."""

    last_seen_at: Instant | None
    meters: list[MeterSeenAnswer]
    contracts: list[ContractNowAnswer]

    @classmethod
    def live(cls, customer: CustomerRow, found: Standing, evaluated: Document | None) -> Self:
        return cls(
            **_signals(customer, found.at, evaluated),
            last_seen_at=found.last_seen_at,
            meters=[MeterSeenAnswer(**asdict(one)) for one in found.meters],
            contracts=[ContractNowAnswer.of(one) for one in found.contracts],
        )


class ActiveDayAnswer(Answer):
    """Events of one meter on one UTC day."""

    meter: MeterName
    """The meter, or `type:` and an event type that no meter takes"""
    day: date
    last_seen_at: Instant
    events: Count


class ActivityAnswer(Answer):
    """What a customer did from `since` until before `until`."""

    object: Literal["activity"] = "activity"
    customer: CustomerName
    since: date
    until: date
    """Exclusive"""
    days: list[ActiveDayAnswer]

    @classmethod
    def of(cls, customer: str, since: date, until: date, rows: Sequence[ActiveDayRow]) -> Self:
        days = [ActiveDayAnswer(**asdict(row)) for row in rows]
        return cls(customer=customer, since=since, until=until, days=days)


class ProgressAnswer(Answer):
    """Until when customers are evaluated, and what is due, by the business clock."""

    object: Literal["signals_progress"] = "signals_progress"
    now: Instant
    customers: Count
    evaluated_through: date | None
    """The last local day that is evaluated of every customer"""
    due: Count
    """Customers whose next day may be evaluated"""
    deliveries_due: Count


class SaidAnswer(Answer):
    """What the score said of a customer as a month began."""

    customer: CustomerName
    at: date
    score: int
    at_risk: bool


class JudgedAnswer(Answer):
    """What was said, and what the next three months did; null where they or the three before are not all known, or the
    customer did not use it of late."""

    said: SaidAnswer
    silent_days: Count | None
    """Days since the last use as the month began"""
    change: Quantity | None
    """Events by day in the three months ÷ those in the three before − 1"""
    lost: bool | None


def _judged(one: Judged) -> JudgedAnswer:
    said = SaidAnswer(**asdict(one.said))
    return JudgedAnswer(said=said, silent_days=one.silent_days, change=one.change, lost=one.lost)


class MonthAnswer(Answer):
    """What was said as one month began, over all customers."""

    at: date
    customers: Count
    called: Count
    """At risk"""
    lost: Count | None
    """Null: not known yet"""
    called_and_lost: Count | None


class OrderAnswer(Answer):
    """How well a score orders customer-months by what came of them. Intervals draw customers again, with all their months;
    one is null where losses, or those kept, are
    of one customer."""

    auc: Quantity
    auc_interval: IntervalAnswer | None
    average_precision: Quantity
    average_precision_interval: IntervalAnswer | None
    precision_at_losses: Quantity
    """At as many calls as there are losses; recall is the same"""
    precision_at_losses_interval: IntervalAnswer | None

    @classmethod
    def of(cls, found: Measured) -> Self:
        return cls(
            auc=_decimal(found.found.auc),
            auc_interval=_interval(found.intervals["auc"]),
            average_precision=_decimal(found.found.average_precision),
            average_precision_interval=_interval(found.intervals["average_precision"]),
            precision_at_losses=_decimal(found.found.precision),
            precision_at_losses_interval=_interval(found.intervals["precision"]),
        )


def _interval(found: Interval | None) -> IntervalAnswer | None:
    return None if found is None else IntervalAnswer(low=_decimal(found[0]), high=_decimal(found[1]))


def _decimal(number: float) -> Decimal:
    return Decimal(number).quantize(PLACES)


class LargestLoserAnswer(Answer):
    """The customer with the most losses, and its share of all."""

    customer: CustomerName
    share: Quantity


class ScoreWorthAnswer(Answer):
    """What the points are worth on all customer-months that can be judged, beside days since last use; a score is null
    where nobody, or everybody, was lost."""

    months: Count
    """Customer-months"""
    customers: Count
    losses: Count
    base_rate: Quantity | None
    base_rate_interval: IntervalAnswer | None
    largest_loser: LargestLoserAnswer | None
    points: OrderAnswer | None
    days_since_last_use: OrderAnswer | None

    @classmethod
    def of(cls, found: Worth) -> Self:
        loser = found.largest_loser
        orders = {score: OrderAnswer.of(one) if one else None for score, one in found.scores.items()}
        return cls(
            months=found.months,
            customers=found.customers,
            losses=found.losses,
            base_rate=None if found.base_rate is None else _decimal(found.base_rate),
            base_rate_interval=_interval(found.base_rate_interval),
            largest_loser=LargestLoserAnswer(customer=loser.customer, share=_decimal(loser.share))
            if loser
            else None,
            points=orders[Score.POINTS],
            days_since_last_use=orders[Score.CALENDAR],
        )


class BacktestAnswer(Answer):
    """Precision = lost ÷ called and recall = called ÷ lost over all customer-months that can be judged; null
    where nothing divides."""

    object: Literal["backtest"] = "backtest"
    policy: Policy
    months: list[MonthAnswer]
    judged: list[JudgedAnswer]
    precision: Quantity | None
    recall: Quantity | None
    worth: ScoreWorthAnswer

    @classmethod
    def of(cls, found: Backtest, policy: str) -> Self:
        return cls(
            policy=policy,
            precision=found.precision,
            recall=found.recall,
            worth=ScoreWorthAnswer.of(found.worth),
            months=[MonthAnswer(**asdict(one)) for one in found.months],
            judged=[_judged(one) for one in found.judged],
        )
