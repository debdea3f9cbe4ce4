"""What several answers of signals show: where evidence lies, capacity, activation, renewal and the reasons of
a risk."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.signals.domain.activation import ActivationState
from services.signals.domain.evidence import Evidence, Keeper
from services.signals.domain.trend import TrendState
from shared.http.answers import ABSENT, Answer, Quantity, WorthAnswer
from shared.http.shown_names import LineKey


class IntervalAnswer(Answer):
    """Where it lies, 95 times of a hundred."""

    low: Quantity
    high: Quantity


class EvidenceAnswer(Answer):
    """Where the proof lies: ask this service there, with a key of yours."""

    service: Annotated[Keeper, Field(examples=["signals"])]
    path: Annotated[str, Field(examples=["/v1/customers/acme/activity?until=2026-04-04"])]

    @classmethod
    def of(cls, where: Evidence) -> Self:
        return cls(**where)


class ReasonAnswer(Answer):
    """One reason of a risk score, and the points it adds."""

    reason: Annotated[str, Field(examples=["silent_days"])]
    number: Quantity
    threshold: Quantity
    """Of the policy: the number is at or past it"""
    points: int
    says: Annotated[str, Field(examples=["days without any use"])]
    evidence: EvidenceAnswer | None = ABSENT
    """What it was counted from, for whoever may read signals; older evaluations have none"""


class RiskAnswer(Answer):
    """A risk score by the policy."""

    score: Annotated[int, Field(ge=0, le=100)]
    at_risk: bool
    reasons: list[ReasonAnswer]
    """The heaviest first"""


class AtStakeAnswer(Answer):
    """What is at stake."""

    at_stake: list[WorthAnswer] | None = ABSENT
    """Settled in the service periods that ended in the twelve months before, a currency each; absent while that is not
    known"""


class OddsAnswer(Answer):
    """How sure it is that use fell, and that the customer has gone: for the order, where the points give reasons.
    What is not known is absent."""

    p_fall: Quantity | None = ABSENT
    """That use of all meters fell by more than a quarter"""
    p_gone: Quantity | None = ABSENT
    """That the silence is longer than the customer's own rhythm allows"""
    score_p: Quantity | None = ABSENT
    """The larger of the two"""
    p_renew: Quantity | None = ABSENT
    """That the customer is not lost in the three months that follow: the one forecast, learned from outcomes; their base
    rate while they are fewer than 60"""


class RenewalAnswer(Answer):
    """When a term ends, and from when its renewal is due."""

    term_start: date
    term_end: date
    """The first day after the term"""
    notice_on: date
    """The first day of the notice window"""
    notice_days: int
    auto: bool
    due: bool
    """Whether the day lies in the notice window"""


class MilestoneAnswer(Answer):
    """A milestone of an activation."""

    key: Annotated[str, Field(examples=["first_call"])]
    weight: Quantity
    needs: Quantity
    has: Quantity
    reached_on: date | None


class ActivationAnswer(Answer):
    """How an activation stands."""

    state: ActivationState
    share: Quantity
    """Reached weight ÷ weight of all milestones"""
    deadline: date
    """The first day after the time"""
    milestones: list[MilestoneAnswer]


class ConsumptionAnswer(Answer):
    """What of a contracted capacity is consumed, against the time that has passed."""

    kind: Literal["allowance", "minimum"]
    line: LineKey | None
    """Null: the spending minimum of the contract"""
    unit: Annotated[str, Field(examples=["api_calls"])]
    """The meter, or the currency's minor unit"""
    capacity: Quantity
    used: Quantity
    share: Quantity | None
    """Used ÷ capacity; null where the capacity is zero"""
    elapsed: Quantity
    """Time passed ÷ length of the period"""
    pace: Quantity | None
    """Share ÷ elapsed: above 1, the capacity is used up before the period ends"""


class ProjectionAnswer(Answer):
    """Use at the period's end, by the pace of the last weeks. Of a capacity either the day it is used up, or
    what will be missing."""

    projected: Quantity
    low: Quantity
    high: Quantity
    exhausted_on: date | None
    exhausted_earliest: date | None
    exhausted_latest: date | None
    """Null with an earliest: perhaps not at all"""
    shortfall: Quantity | None
    shortfall_on: date | None
    """The period's end, where it becomes due"""


class CapacityAnswer(ConsumptionAnswer):
    """Consumption of the service period that holds the last whole day, with its projection."""

    period_start: date
    period_end: date
    """Inclusive"""
    projection: ProjectionAnswer | None


class TrendAnswer(Answer):
    """Use of the last third of the term against the first, in weeks or in whole rhythms of use."""

    trend: TrendState
    weeks: int
    """So many weeks it is seen over, without outages"""
    within_chance: bool | None = ABSENT
    """True: it is steady, and the change may be chance"""
    change: Quantity | None = ABSENT
    """Late ÷ early − 1"""
    early_week: Quantity | None = ABSENT
    """Events a week in the first third"""
    late_week: Quantity | None = ABSENT
