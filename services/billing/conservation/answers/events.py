"""Single events, where each is and whose it is; and what the door took of them, by hour."""

from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.conservation.checks.k2_door import Hour
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.readings import Placed
from shared.http.answers import Answer, Instant, WorthAnswer
from shared.http.shown_names import ContractName, EventType, ExceptionId, KeyId, Owner
from shared.values.made_from import made_from

Source = Annotated[str, Field(examples=["nyc-departures"])]


class EventPeriodAnswer(Answer):
    """A contract's period in which an event lies."""

    contract: ContractName
    period_start: Instant


class HolderAnswer(Answer):
    """An exception of rating that holds a period."""

    id: ExceptionId
    kind: Annotated[str, Field(examples=["pricing_failed"])]
    owner: Owner


class PlacedEventAnswer(Answer):
    """An event and its bucket. What is held late of an event that is still applied is listed as `void` or
    `leaving`."""

    kind: Literal["event", "void", "leaving"]
    source: Source
    id: Annotated[str, Field(examples=["UA-1545-EWR-2013-01-01T10:15:00Z"])]
    type: EventType
    subject: Annotated[str, Field(examples=["acme-eu"])]
    customer: Annotated[str | None, Field(examples=[None])]
    time: Instant
    received_at: Instant
    bucket: Annotated[Bucket, Field(examples=["suspense"])]
    reason: Reason | None
    owner: Annotated[str | None, Field(examples=["integration engineer"])]
    """Who makes it billable, or decides about it; null where nothing waits"""
    meters: Annotated[list[str], Field(examples=[["api_calls"]])]
    """Those that take it"""
    periods: Annotated[list[EventPeriodAnswer], Field(examples=[[]])]
    """Those it came too late for, or that cannot be priced"""
    exceptions: Annotated[list[HolderAnswer], Field(examples=[[]])]
    """What holds its periods"""
    value: WorthAnswer | None
    """At list price, where its meter has one"""

    @classmethod
    def of(cls, event: Placed) -> Self:
        return made_from(
            cls,
            event,
            kind=event.held_kind or "event",
            meters=list(event.meters),
            periods=[
                EventPeriodAnswer(contract=period.contract, period_start=period.period_start)
                for period in event.periods
            ],
            exceptions=[
                HolderAnswer(id=holder.exception_id, kind=holder.kind, owner=holder.owner)
                for holder in event.holders
            ],
            value=WorthAnswer.of(event.value) if event.value else None,
        )


class DoorHourAnswer(Answer):
    """What a key brought from a source in an hour: received = published + quarantined + refused."""

    key_id: KeyId
    source: Source
    hour: Instant
    received: Annotated[int, Field(examples=[1200])]
    published: Annotated[int, Field(examples=[1199])]
    quarantined: int
    refused: Annotated[int, Field(examples=[0])]

    @classmethod
    def of(cls, hour: Hour) -> Self:
        return made_from(cls, hour)
