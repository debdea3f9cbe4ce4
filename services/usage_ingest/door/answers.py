"""What the door answers. Its routes write the bytes themselves (no object an event beyond decoding); these
types say of what shape."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.http.answers import Answer


class EventResult(Answer):
    """An event that was not plainly accepted."""

    index: Annotated[int, Field(ge=0)]
    """Its place in the request, from 0"""
    source: Annotated[str, Field(examples=["nyc-departures"])]
    id: Annotated[str, Field(examples=["UA-1545-EWR-2013-01-01T10:15:00Z"])]
    status: Literal["accepted", "duplicate", "conflict", "quarantined"]
    code: Annotated[str, Field(examples=["time_missing"])]
    detail: Annotated[str, Field(examples=["`time` is missing; send RFC 3339 with an offset"])]


class AcceptanceAnswer(Answer):
    """What became of the events of a request: all of them are durable."""

    accepted: Annotated[int, Field(ge=0)]
    """Events (or voids) that count for themselves: not quarantined, not repeated in this request"""
    results: list[EventResult]
    """Each event that is not plainly accepted"""
    received: Annotated[int, Field(ge=0)]
    published: Annotated[int, Field(ge=0)]
    quarantined: Annotated[int, Field(ge=0)]


ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"description": "Durable on the bus", "model": AcceptanceAnswer}
}
INGESTED: dict[int | str, dict[str, Any]] = {
    204: {
        "description": "Durable on the bus",
        "headers": {
            "U2C-Quarantined": {
                "description": "How many events went into the quarantine; absent when none did",
                "schema": {"type": "integer"},
            }
        },
    }
}
