"""An evaluation as it is stored and shown: what was known of a customer as a local day began, and what it
means."""

from datetime import date
from typing import Annotated

from pydantic import Field

from services.signals.answers import (
    ActivationAnswer,
    AtStakeAnswer,
    CapacityAnswer,
    OddsAnswer,
    RenewalAnswer,
    RiskAnswer,
    TrendAnswer,
)
from services.signals.domain.trend import TrendState
from shared.http.answers import ABSENT, Answer, Instant, Quantity
from shared.http.shown_names import CurrencyCode, CustomerName, MeterName

Policy = Annotated[str, Field(examples=["3"])]


class SilenceAnswer(Answer):
    """The silence of a meter."""

    last_seen_on: date
    days: int
    """Whole local days without an event"""
    bearable_days: int
    """From so many on it is an outage"""
    silent: bool
    """Whether it is one"""


class LatchedTrendAnswer(TrendAnswer):
    """The trend of the customer's main meter."""

    meter: MeterName | None
    latched: TrendState
    """The last one that was known: what is not known changes nothing"""


class MonthSixAnswer(TrendAnswer):
    """The trend from the start of a term to its month six, as it was then."""

    started: date
    on: date


class EngagementAnswer(Answer):
    """Distinct active users, teams and features of the UTC days before."""

    users_day: int
    users_week: int
    users_month: int
    users_month_before: int
    teams_month: int
    features_month: int
    most_active: int
    """Users who carried the use of the 30 days before the last 30"""
    user_days_month: int | None = ABSENT
    """Users of each of the last 30 days, added up"""
    teams_month_before: int | None = ABSENT
    features_month_before: int | None = ABSENT
    most_active_quiet: int
    """Those of them who were not seen of late"""
    users_by_days: Annotated[dict[str, int], Field(examples=[{"14": 9}])]
    """For activation: days of the window → distinct users"""
    stickiness: Quantity | None
    """Users of a mean day of the month ÷ users of the month"""


class NumbersAnswer(Answer):
    """The numbers of the risk score that belong to the customer; what is not known is absent."""

    silent_days: Quantity | None = ABSENT
    trend_change: Quantity | None = ABSENT
    recent_change: Quantity | None = ABSENT
    users_change: Quantity | None = ABSENT
    depth_change: Quantity | None = ABSENT
    most_active_quiet: Quantity | None = ABSENT


class TermUseAnswer(Answer):
    """Use of the term so far; its projection only where there is a pace."""

    meter: MeterName
    used: Quantity
    projected: Quantity | None = ABSENT
    low: Quantity | None = ABSENT
    high: Quantity | None = ABSENT
    end: date | None = ABSENT


class EvaluatedContractAnswer(AtStakeAnswer):
    """The part of an evaluation that belongs to one contract."""

    consumption: list[CapacityAnswer]
    activation: ActivationAnswer | None
    renewal: RenewalAnswer | None
    risk: RiskAnswer
    term: TermUseAnswer | None


class WeighedByAnswer(Answer):
    """What a unit more of each meter costs, at use like that of the last 28 days, before discounts."""

    currency: CurrencyCode
    meters: dict[str, Quantity]


class RecentUseAnswer(Answer):
    """What p_renew looks at beside the probabilities."""

    events_28_days: int
    """Of all meters together, as they are weighed"""
    days_since_first_use: int


class LearnedFromAnswer(Answer):
    """What p_renew was learned from."""

    outcomes: int
    fitted: bool
    """False: it is the base rate of these outcomes, the same for everybody"""


class EvaluatedAnswer(OddsAnswer, AtStakeAnswer):
    """The evaluation of one customer's local day: only the days before it count."""

    customer: CustomerName
    day: date
    at: Instant
    """When the day began"""
    policy: Policy
    last_seen_on: date | None
    last_login_on: date | None
    silent_since: date | None = ABSENT
    """The last day of use on the main meter, where the silence since is an outage: it goes before the trend"""
    producer_silent_since: date | None = ABSENT
    """The main meter is silent because its producer is: many customers fell silent with it. What a silence makes of the
    risk is not counted until it speaks again, or has been silent for the policy's four weeks"""
    meters: dict[str, SilenceAnswer]
    trend: LatchedTrendAnswer
    trend_month_six: MonthSixAnswer | None
    engagement: EngagementAnswer | None
    numbers: NumbersAnswer
    risk: RiskAnswer
    """The worst of the contracts'"""
    use: RecentUseAnswer | None = ABSENT
    learned_from: LearnedFromAnswer | None = ABSENT
    weighed_by: WeighedByAnswer | None = ABSENT
    """What the meters are weighed by that count together; absent: one meter alone, or every event counts alike, as no
    price tells them apart"""
    contracts: dict[str, EvaluatedContractAnswer]
