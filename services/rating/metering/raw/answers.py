"""What the API shows of raw events."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field

from services.rating.metering.domain.group import dimensions_of
from services.rating.metering.raw.usecases.events_behind import CountedEvent
from shared.http.answers import Answer, Instant, Quantity, SendersOwn
from shared.http.shown_names import EventId, EventType, Source, SubjectName

#: Reads an event's data for an answer: a number that is no integer travels as text.
decode_data = msgspec.json.Decoder(float_hook=str).decode
Data = Annotated[
    SendersOwn,
    Field(
        description="Its data as it was sent, an object; numbers that are no integers stand as text",
        examples=[{"region": "eu", "bytes": "1.5"}],
    ),
]


class CountedEventAnswer(Answer):
    """An event, and what it added to the meter."""

    object: Literal["event"] = "event"
    source: Source
    id: EventId
    type: EventType
    subject: SubjectName
    time: Instant
    data: Data
    received_at: Instant
    batch_id: int
    """With `partition`, what a statement's watermark is compared with"""
    partition: int
    group: Annotated[dict[str, str], Field(examples=[{"region": "eu"}])]
    """Dimension → value, empty where the event has none; `other` where a subject has too many"""
    value: Quantity
    item: str | None
    """What a unique meter counts once"""

    @classmethod
    def of(cls, event: CountedEvent) -> Self:
        row: Any = event.row
        return cls(
            source=row["source"],
            id=row["id"],
            type=row["type"],
            subject=row["subject"],
            time=row["time"],
            data=decode_data(row["body"]),
            received_at=row["received_at"],
            batch_id=row["batch_id"],
            partition=row["partition"],
            group=dimensions_of(event.group),
            value=Decimal(event.value),
            item=event.item,
        )
