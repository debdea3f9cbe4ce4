"""What the API shows of where customers stand, of what they did, and of what the score foretold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter

from services.signals.answers import ConsumptionAnswer, RenewalAnswer
from services.signals.domain.activation import ActivationState
from services.signals.domain.backtest import Backtest
from services.signals.domain.shown import Document
from services.signals.domain.trend import TrendState
from services.signals.domain.values import DEFINITIONS
from services.signals.evaluation.answers.evaluated import EvaluatedAnswer, Policy
from services.signals.evaluation.answers.values import ValueAnswer, value_answers
from services.signals.evaluation.rows import CustomerStandingRow
from services.signals.evaluation.usecases.say_standing import ContractStanding, Standing
from services.signals.replica.rows import ActiveDayRow, CustomerRow
from shared.http.answers import Answer, Instant, Quantity, StoredAs
from shared.http.shown_names import ContractName, CustomerLabel, CustomerName, LineKey, MeterName

Count = Annotated[int, Field(ge=0)]
Evaluated = Annotated[Mapping[str, Any], StoredAs(EvaluatedAnswer)]


class ConsumedAnswer(Answer):
    """What of a capacity is consumed, against the time that has passed."""

    kind: Literal["allowance", "minimum"]
    line: LineKey | None
    share: Quantity | None
    elapsed: Quantity
    pace: Quantity | None


class ContractStandingAnswer(Answer):
    """The states of one contract that a person looks for first."""

    activation: ActivationState | None
    renewal_due: bool | None
    at_risk: bool
    risk_score: int
    consumed: list[ConsumedAnswer]


class CustomerStandingAnswer(Answer):
    """The states of one customer that a person looks for first; all null before the first evaluation."""

    object: Literal["customer_standing"] = "customer_standing"
    customer: CustomerName
    name: CustomerLabel
    day: date | None
    """The local day that was evaluated"""
    last_seen_on: date | None = None
    trend: TrendState | None = None
    """The last one that was known"""
    trend_change: Quantity | None = None
    trend_month_six: TrendState | None = None
    silent_meters: list[MeterName] | None = None
    risk_score: int | None = None
    contracts: dict[str, ContractStandingAnswer] | None = None

    @classmethod
    def of(cls, row: CustomerStandingRow) -> "CustomerStandingAnswer":
        return _standing.validate_python(
            {"customer": row.external_id, "name": row.name, **_states(row.document)}
        )


def _states(document: Document | None) -> Document:
    """What a stored evaluation says of them."""
    if document is None:
        return {"day": None}
    trend = document["trend"]
    return {
        "day": document["day"],
        "last_seen_on": document["last_seen_on"],
        "trend": trend["latched"],
        "trend_change": trend.get("change"),
        "trend_month_six": (document["trend_month_six"] or {}).get("trend"),
        "silent_meters": [meter for meter, one in document["meters"].items() if one["silent"]],
        "risk_score": document["risk"]["score"],
        "contracts": {name: _contract_states(part) for name, part in document["contracts"].items()},
    }


def _contract_states(part: Document) -> Document:
    return {
        "activation": (part["activation"] or {}).get("state"),
        "renewal_due": (part["renewal"] or {}).get("due"),
        "at_risk": part["risk"]["at_risk"],
        "risk_score": part["risk"]["score"],
        "consumed": [
            {name: one[name] for name in ("kind", "line", "share", "elapsed", "pace")}
            for one in part["consumption"]
        ],
    }


_standing = TypeAdapter(CustomerStandingAnswer)


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
    """What was said, and what the next three months did; null where they are not all known, or nothing was
    used before."""

    said: SaidAnswer
    change: Quantity | None
    """Events by day in the three months ÷ those in the three before − 1"""
    lost: bool | None


class MonthAnswer(Answer):
    """What was said as one month began, over all customers."""

    at: date
    customers: Count
    called: Count
    """At risk"""
    lost: Count | None
    """Null: not known yet"""
    called_and_lost: Count | None


class BacktestAnswer(Answer):
    """Precision = lost ÷ called and recall = called ÷ lost over all customer-months that can be judged; null
    where nothing divides."""

    object: Literal["backtest"] = "backtest"
    policy: Policy
    months: list[MonthAnswer]
    judged: list[JudgedAnswer]
    precision: Quantity | None
    recall: Quantity | None

    @classmethod
    def of(cls, found: Backtest, policy: str) -> Self:
        return cls(
            policy=policy,
            precision=found.precision,
            recall=found.recall,
            months=[MonthAnswer(**asdict(one)) for one in found.months],
            judged=[
                JudgedAnswer(said=SaidAnswer(**asdict(one.said)), change=one.change, lost=one.lost)
                for one in found.judged
            ],
        )
