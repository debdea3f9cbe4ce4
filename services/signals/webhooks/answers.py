"""What the API shows of webhook endpoints and deliveries."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.signals.webhooks.rows import (
    AttemptRow,
    DeliveryState,
    EndpointRow,
    EndpointState,
    Format,
    HealthRow,
    LoggedDelivery,
)
from shared.http.answers import Answer, Instant, Quantity
from shared.http.shown_names import CustomerName
from shared.values.made_from import made_from

EndpointId = Annotated[str, Field(examples=["whe_0PzN5cVbfq9yqLJ1fGzWmC"])]
SignalId = Annotated[str, Field(examples=["sig_5f0c8e6d2b7a5e3f9d1c4b8a7e6f5d4c"])]
Url = Annotated[str, Field(examples=["https://example.com/hooks/usage-to-cash"])]


class EndpointAnswer(Answer):
    """An endpoint, without its secrets. Times are of the business clock."""

    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    id: EndpointId
    url: Url
    """Whole for signals:write only; for others scheme and host: the path lets anybody post there"""
    description: str
    events: Annotated[list[str], Field(examples=[["renewal.at_risk", "customer.activation.failed"]])]
    """The types it asks for; `*`: all"""
    format: Format
    state: EndpointState
    disabled_reason: str | None
    disabled_at: Instant | None
    failing_since: Instant | None
    """Null after a success"""
    created_at: Instant

    @classmethod
    def of(cls, row: EndpointRow, url: str) -> Self:
        return cls(**_endpoint(row, url))


def _endpoint(row: EndpointRow, url: str) -> dict[str, Any]:
    """What every answer shows of an endpoint."""
    return {
        "id": row.endpoint_id,
        "url": url,
        "description": row.description,
        "events": row.events,
        "format": row.format,
        "state": row.state,
        "disabled_reason": row.disabled_reason,
        "disabled_at": row.disabled_at,
        "failing_since": row.failing_since,
        "created_at": row.created_at,
    }


class CreatedEndpointAnswer(EndpointAnswer):
    """An endpoint with the secret that signs: it is in this answer and nowhere else."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]

    @classmethod
    def created(cls, row: EndpointRow, url: str, secret: str) -> Self:
        return cls(**_endpoint(row, url), secret=secret)


class RotatedEndpointAnswer(CreatedEndpointAnswer):
    """An endpoint with its new secret: it is in this answer and nowhere else."""

    previous_secret_until: Instant
    """Until then the old secret signs too, by the machine's clock"""

    @classmethod
    def rotated(cls, row: EndpointRow, url: str, secret: str, until: datetime) -> Self:
        return cls(**_endpoint(row, url), secret=secret, previous_secret_until=until)


class TestSentAnswer(Answer):
    """A test that waits to be sent."""

    object: Literal["signal"] = "signal"
    id: SignalId
    type: Literal["webhook.test"] = "webhook.test"


class RequeuedAnswer(Answer):
    """How many signals a replay sends again."""

    object: Literal["replay"] = "replay"
    queued: Annotated[int, Field(ge=0)]


class EndpointHealthAnswer(Answer):
    """How an endpoint does. Times are of the business clock."""

    object: Literal["webhook_health"] = "webhook_health"
    endpoint: EndpointId
    state: EndpointState
    failing_since: Instant | None
    """Null after a success"""
    attempts: Annotated[int, Field(ge=0)]
    """Made in the last seven days"""
    reached: Annotated[int, Field(ge=0)]
    """Those of them that were answered 2xx"""
    success_rate: Quantity | None
    """The share that was, to four decimals; null where nothing was sent"""
    last_success_at: Instant | None
    """As far back as the log is kept"""
    pending: Annotated[int, Field(ge=0)]
    """Deliveries that wait, each until it is taken or given up"""
    oldest_at: Instant | None
    """When the oldest of them was queued"""
    given_up: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, row: HealthRow) -> Self:
        rate = round(Decimal(row.reached) / row.made, 4) if row.made else None
        return made_from(cls, row, endpoint=row.endpoint_id, attempts=row.made, success_rate=rate)


class DeliveryAnswer(Answer):
    """What became of a signal at one endpoint. Times are of the business clock."""

    object: Literal["webhook_delivery"] = "webhook_delivery"
    id: Annotated[str, Field(examples=["dlv_0PzN5cVbfq9yqLJ1fGzWmD"])]
    endpoint: EndpointId
    signal: SignalId
    type: Annotated[str, Field(examples=["renewal.at_risk"])]
    occurred_at: Instant
    customer: CustomerName
    sequence: Annotated[int, Field(ge=1)]
    """The signal's number, counted per customer"""
    state: DeliveryState
    attempts: Annotated[int, Field(ge=0)]
    """All of them, those before a replay too"""
    replays: Annotated[int, Field(ge=0)]
    due_at: Instant
    """Of the next attempt; once it is settled, of the last one"""
    delivered_at: Instant | None

    @classmethod
    def of(cls, row: LoggedDelivery) -> Self:
        return cls(**_delivery(row))


def _delivery(row: LoggedDelivery) -> dict[str, Any]:
    """What every answer shows of a delivery."""
    return {
        "id": row.delivery_id,
        "endpoint": row.endpoint_id,
        "signal": row.signal_id,
        "type": row.type,
        "occurred_at": row.occurred_at,
        "customer": row.customer,
        "sequence": row.sequence,
        "state": row.state,
        "attempts": row.made,
        "replays": max(0, row.rounds - 1),
        "due_at": row.due_at,
        "delivered_at": row.delivered_at,
    }


class SentAnswer(Answer):
    """What was sent, without the signature and the path of the URL."""

    url: Annotated[str, Field(examples=["https://example.com/…"])]
    headers: Annotated[
        dict[str, str],
        Field(examples=[{"content-type": "application/json", "webhook-timestamp": "1710408600"}]),
    ]
    body: str


class AttemptAnswer(Answer):
    """One attempt, and what was answered."""

    at: Instant
    """By the machine's clock, as it was signed"""
    number: Annotated[int, Field(ge=1)]
    """Numbered through, over all replays"""
    replay: Annotated[int, Field(ge=0)]
    """0: of the first sending, 1: of the first replay, …; each begins the schedule again"""
    of_schedule: Annotated[int, Field(ge=1)]
    business_at: Instant
    status: Annotated[int | None, Field(examples=[204])]
    """Null where no answer came"""
    error: str | None
    """Why no answer came"""
    took_ms: Annotated[int, Field(ge=0)]
    request: SentAnswer
    response: str
    """Its beginning: at most 64 kB"""


class DeliveryLogAnswer(DeliveryAnswer):
    """A delivery with every attempt."""

    log: list[AttemptAnswer]

    @classmethod
    def logged(cls, row: LoggedDelivery, attempts: Sequence[AttemptRow]) -> Self:
        return cls(**_delivery(row), log=list(_attempts(attempts)))


def _attempts(rows: Sequence[AttemptRow]) -> Iterator[AttemptAnswer]:
    """The attempts, the oldest first."""
    replay = -1
    for number, row in enumerate(rows, 1):
        replay += row.number == 1
        yield AttemptAnswer(
            at=row.at,
            number=number,
            replay=max(0, replay),
            of_schedule=row.number,
            business_at=row.business_at,
            status=row.status,
            error=row.error,
            took_ms=row.took_ms,
            request=SentAnswer(**row.request),
            response=row.response,
        )
