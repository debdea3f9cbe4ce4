"""The values of an evaluation as rows, by their names; what a value is made of stands beside it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from services.signals.answers import EvidenceAnswer, MilestoneAnswer, ReasonAnswer
from services.signals.domain.activation import ActivationState
from services.signals.domain.shown import Document
from services.signals.domain.trend import TrendState
from services.signals.domain.values import values_of
from shared.http.answers import ABSENT, Amount, Answer, Quantity
from shared.http.shown_names import ContractName, CurrencyCode, LineKey, MeterName


class Value(Answer):
    """What all values say of themselves."""

    unit: Annotated[str, Field(examples=["days"])]
    definition: Annotated[str, Field(examples=["whole local days without an event on any meter"])]
    evidence: EvidenceAnswer


class LastDayValue(Value):
    """The newest day with an event, with a login, or with use of a main meter that is silent since."""

    name: Literal["last_seen_on", "last_login_on", "silent_since", "producer_silent_since"]
    value: date


class SilentDaysValue(Value):
    """Days without an event: of one meter, or of all where it names none."""

    name: Literal["silent_days"]
    value: int
    meter: MeterName | None = ABSENT
    bearable: int | None = ABSENT
    silent: bool | None = ABSENT


class TrendOfUse(Value):
    """A trend, with the weeks it is made of."""

    value: TrendState
    weeks: int
    within_chance: bool | None = ABSENT
    change: Quantity | None = ABSENT
    early_week: Quantity | None = ABSENT
    late_week: Quantity | None = ABSENT


class TrendValue(TrendOfUse):
    """The trend of the main meter."""

    name: Literal["trend"]
    meter: MeterName | None = ABSENT
    latched: TrendState


class TrendMonthSixValue(TrendOfUse):
    """The trend from the start of a term to its month six."""

    name: Literal["trend_month_six"]
    started: date
    on: date


class ShareValue(Value):
    """A share, or a change as a share."""

    name: Literal[
        "trend_change",
        "recent_change",
        "users_change",
        "depth_change",
        "most_active_quiet",
        "stickiness",
        "p_fall",
        "p_gone",
        "score_p",
        "p_renew",
    ]
    value: Quantity


class CountValue(Value):
    """So many distinct users, teams or features."""

    name: Literal["users_day", "users_week", "users_month", "teams_month", "features_month"]
    value: int


class RiskScoreValue(Value):
    """The risk score of the customer, or of a contract."""

    name: Literal["risk_score"]
    value: int
    contract: ContractName | None = ABSENT
    at_risk: bool
    reasons: list[ReasonAnswer]


class AtStakeValue(Value):
    """What is at stake in a currency, of the customer or of a contract."""

    name: Literal["at_stake"]
    value: Amount
    currency: CurrencyCode
    contract: ContractName | None = ABSENT


class ContractValue(Value):
    """A value of one contract."""

    contract: ContractName


class CapacityOf(Answer):
    """The capacity and the service period a value is of."""

    kind: Literal["allowance", "minimum"]
    line: LineKey | None = ABSENT
    unit: Annotated[str, Field(examples=["api_calls"])]
    period_start: date
    period_end: date


class CapacityValue(ContractValue):
    """A value of one capacity."""

    of: CapacityOf


class ConsumedShareValue(CapacityValue):
    """What of a capacity is consumed."""

    name: Literal["consumed_share"]
    value: Quantity
    capacity: Quantity
    used: Quantity


class ElapsedShareValue(CapacityValue):
    """What of the period has passed, and the pace against it."""

    name: Literal["elapsed_share", "pace"]
    value: Quantity


class ProjectedUseValue(CapacityValue):
    """Use at the period's end."""

    name: Literal["projected_use"]
    value: Quantity
    low: Quantity
    high: Quantity


class ExhaustedOnValue(CapacityValue):
    """When a capacity is used up."""

    name: Literal["exhausted_on"]
    value: date
    earliest: date | None
    latest: date | None
    """Null: perhaps not at all"""


class ShortfallValue(CapacityValue):
    """What will be missing of a capacity."""

    name: Literal["shortfall"]
    value: Quantity
    on: date | None


class TermProjectedValue(ContractValue):
    """Use at the term's end."""

    name: Literal["term_projected"]
    value: Quantity
    meter: MeterName
    used: Quantity
    low: Quantity
    high: Quantity
    end: date


class ActivationValue(ContractValue):
    """How an activation stands."""

    name: Literal["activation"]
    value: ActivationState
    deadline: date
    milestones: list[MilestoneAnswer]


class ActivationShareValue(ContractValue):
    """What of an activation is reached."""

    name: Literal["activation_share"]
    value: Quantity


class RenewalDueValue(ContractValue):
    """Whether a renewal is due."""

    name: Literal["renewal_due"]
    value: bool
    term_end: date
    notice_on: date


ValueAnswer = Annotated[
    LastDayValue
    | SilentDaysValue
    | TrendValue
    | TrendMonthSixValue
    | ShareValue
    | CountValue
    | RiskScoreValue
    | AtStakeValue
    | ConsumedShareValue
    | ElapsedShareValue
    | ProjectedUseValue
    | ExhaustedOnValue
    | ShortfallValue
    | TermProjectedValue
    | ActivationValue
    | ActivationShareValue
    | RenewalDueValue,
    Field(discriminator="name"),
]
_rows: TypeAdapter[list[ValueAnswer]] = TypeAdapter(list[ValueAnswer])


def value_answers(evaluated: Document) -> list[ValueAnswer]:
    """The values of one evaluation; what is not known is left out."""
    return _rows.validate_python(values_of(evaluated))
