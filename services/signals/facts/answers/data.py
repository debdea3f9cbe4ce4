"""What a signal says, by its type."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from services.signals.answers import (
    ActivationAnswer,
    AtStakeAnswer,
    CapacityAnswer,
    EvidenceAnswer,
    OddsAnswer,
    ReasonAnswer,
    RenewalAnswer,
    RiskAnswer,
    TrendAnswer,
)
from shared.http.answers import ABSENT, Amount, Answer, Quantity
from shared.http.shown_names import CurrencyCode, EventType, LineKey, MeterName, Source


class Period(Answer):
    """A service period; `end` is inclusive."""

    start: date
    end: date


class InvoiceFinalizedData(Answer):
    """invoice.finalized: the document."""

    invoice: Annotated[str, Field(examples=["inv_0PzN5cVbfq9yqLJ1fGzWmA"])]
    number: Annotated[str | None, Field(examples=["US-000042"])]
    kind: Annotated[str, Field(examples=["invoice"])]
    currency: CurrencyCode
    total: Amount
    period: Period
    issued_on: date | None
    due_on: date | None
    corrects: str | None
    """The document it corrects"""
    evidence: EvidenceAnswer


class UsageQuarantinedData(Answer):
    """usage.quarantined: the first such event of the day."""

    subject: str
    event_type: EventType
    day: date
    first: Annotated[str, Field(examples=["qua_0PzN5cVbfq9yqLJ1fGzWmB"])]
    code: Annotated[str, Field(examples=["value_not_a_number"])]
    detail: Annotated[str, Field(examples=['data.seconds is "abc"; send a number.'])]
    source: Source
    evidence: EvidenceAnswer


class UsageUnmatchedData(Answer):
    """usage.unmatched: the usage nobody accounts for."""

    subject: Annotated[str, Field(examples=["acme-eu"])]
    meter: MeterName
    """The meter, or `type:` and an event type that no meter takes"""
    day: date
    events: int
    why: Annotated[str, Field(examples=["no customer has this subject"])]


class ThresholdReachedData(CapacityAnswer):
    """customer.consumption.threshold_reached: the capacity, and the share of it that is passed."""

    threshold: Quantity


class ActivationData(ActivationAnswer):
    """customer.activation.reached, .at_risk and .failed: how the activation stands."""

    late: bool
    """Whether its deadline was over"""


class TrendData(TrendAnswer):
    """customer.drifting and customer.deepening: the trend that turned."""


class UsersQuietData(Answer):
    """customer.users_quiet: of the most active users, those who have gone quiet."""

    most_active: int
    quiet: int
    share: Quantity
    quiet_days: int
    """Not seen for so long"""


class MeterSilentData(Answer):
    """meter.silent: the meters of one event type, and their silence. Of a producer: how many customers it is silent for, of
    how many who used the event type; it names no customer."""

    meters: list[MeterName]
    last_seen_on: date
    silent_days: int
    bearable_days: int | None = ABSENT
    """From so many days on it is an outage"""
    event_type: EventType | None = ABSENT
    customers: int | None = ABSENT
    of_customers: int | None = ABSENT
    excused_until: date | None = ABSENT
    """The last day on which it is held against none of them; who is silent for longer is judged by itself"""


class CustomerAtRiskData(RiskAnswer, OddsAnswer, AtStakeAnswer):
    """customer.at_risk: the risk of the customer; the signal names the contract whose it is."""


class RenewalAtRiskData(RenewalAnswer, OddsAnswer, AtStakeAnswer):
    """renewal.at_risk: the renewal, with its risk."""

    score: int
    at_risk: bool
    reasons: list[ReasonAnswer]


class RenewalDueData(RenewalAtRiskData):
    """renewal.due: the renewal, with its risk."""

    step_days: int
    """The notice step: so many days before the term's end"""


class PeriodOver(Answer):
    """A closed period above its allowance."""

    start: date
    included: Quantity
    used: Quantity


class ExpansionReadyData(Answer):
    """expansion.ready: the line, and its periods above the allowance or above most of it."""

    line: LineKey
    because: str | None = ABSENT
    """Above the allowance, or above most of it while use deepens; absent in what was told before it was said"""
    periods: list[PeriodOver]


class WebhookDisabledData(Answer):
    """webhook.disabled: the endpoint, and why."""

    endpoint: Annotated[str, Field(examples=["whe_0PzN5cVbfq9yqLJ1fGzWmC"])]
    url: Annotated[str, Field(examples=["https://example.com/…"])]
    reason: Annotated[str, Field(examples=["it answered 410 Gone"])]


class WebhookTestData(Answer):
    """webhook.test: a greeting."""

    message: str


DATA: Mapping[str, type[Answer]] = {
    "invoice.finalized": InvoiceFinalizedData,
    "usage.quarantined": UsageQuarantinedData,
    "usage.unmatched": UsageUnmatchedData,
    "customer.consumption.threshold_reached": ThresholdReachedData,
    "customer.activation.reached": ActivationData,
    "customer.activation.at_risk": ActivationData,
    "customer.activation.failed": ActivationData,
    "customer.drifting": TrendData,
    "customer.deepening": TrendData,
    "customer.users_quiet": UsersQuietData,
    "meter.silent": MeterSilentData,
    "customer.at_risk": CustomerAtRiskData,
    "renewal.due": RenewalDueData,
    "renewal.at_risk": RenewalAtRiskData,
    "expansion.ready": ExpansionReadyData,
    "webhook.disabled": WebhookDisabledData,
    "webhook.test": WebhookTestData,
}
