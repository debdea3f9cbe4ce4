"""Webhook endpoints and deliveries, as rows: the fields are the columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Format = Literal["standard", "slack"]
EndpointState = Literal["enabled", "disabled"]
DeliveryState = Literal["pending", "delivered", "given_up"]


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A row of `endpoints`. `url` is what may be shown of it; URL and secrets are sealed."""

    endpoint_id: str
    url: str
    description: str
    events: list[str]
    format: Format
    sealed_secret: str
    sealed_previous_secret: str | None
    previous_until: datetime | None
    state: EndpointState
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    created_at: datetime
    lane_owner: str | None
    lane_until: datetime | None
    sealed_url: str


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A row of `endpoints` as it is made: enabled."""

    endpoint_id: str
    url: str
    sealed_url: str
    description: str
    events: Sequence[str]
    format: Format
    sealed_secret: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SealedRow:
    """What is sealed of an endpoint."""

    endpoint_id: str
    sealed_url: str
    sealed_secret: str
    sealed_previous_secret: str | None


@dataclass(frozen=True, slots=True)
class ListeningRow:
    """An enabled endpoint and the types it asks for."""

    endpoint_id: str
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A queued webhook with the fact it tells."""

    delivery_id: str
    endpoint_id: str
    round: int
    attempts: int
    created_at: datetime
    signal_id: str
    type: str
    customer: str
    contract: str | None
    occurred_at: datetime
    sequence: int
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A row of `deliveries` with its fact, as the log shows it. `made` are all its attempts, those before a
    replay too; `rounds` is how often the first attempt was made."""

    delivery_id: str
    endpoint_id: str
    signal_id: str
    customer: str
    sequence: int
    state: DeliveryState
    round: int
    attempts: int
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    type: str
    occurred_at: datetime
    made: int
    rounds: int


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; None does not restrict. `customer` is an external id."""

    endpoint: str | None = None
    signal: str | None = None
    customer: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class HealthRow:
    """How an endpoint does. `made` and `reached`: attempts since an instant, and those that were taken; `pending` and
    `given_up`: deliveries as they stand; `oldest_at`: when the oldest pending one was queued. Business clock."""

    endpoint_id: str
    state: EndpointState
    failing_since: datetime | None
    made: int
    reached: int
    last_success_at: datetime | None
    pending: int
    oldest_at: datetime | None
    given_up: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A row of `attempts`. `request` is JSON: url, headers, body."""

    attempt_id: str
    delivery_id: str
    number: int
    at: datetime
    business_at: datetime
    status: int | None
    error: str | None
    took_ms: int
    request: Mapping[str, Any]
    response: str
