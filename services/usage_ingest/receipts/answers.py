"""What the API shows of receipts."""

from typing import Annotated, Literal, Self

from pydantic import Field

from services.usage_ingest.receipts.rows import DoorHour
from shared.http.answers import Answer, Instant
from shared.http.shown_names import KeyId


class DoorHourAnswer(Answer):
    """What came in within an hour, by one key, from one source: received = published + quarantined +
    refused."""

    object: Literal["door_hour"] = "door_hour"
    key_id: KeyId
    source: Annotated[str, Field(examples=["nyc-departures"])]
    hour: Instant
    receipts: Annotated[int, Field(ge=0)]
    """Requests that said something"""
    received: Annotated[int, Field(ge=0)]
    published: Annotated[int, Field(ge=0)]
    quarantined: Annotated[int, Field(ge=0)]
    refused: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, row: DoorHour) -> Self:
        return cls(
            key_id=row.key_id,
            source=row.source,
            hour=row.hour,
            receipts=row.receipts,
            received=row.received,
            published=row.published,
            quarantined=row.quarantined,
            refused=row.refused,
        )
