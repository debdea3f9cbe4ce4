"""What the API shows of receipts."""

from typing import Annotated, Literal, Self

from pydantic import Field

from services.usage_ingest.receipts.rows import DoorHour
from shared.http.answers import Answer, Instant
from shared.http.shown_names import KeyId
from shared.values.made_from import made_from


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
        return made_from(cls, row)
