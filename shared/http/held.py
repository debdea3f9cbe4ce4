"""Why figures are not whole, as rating says it of a statement and billing of its draft."""

from typing import Annotated, Self

from pydantic import Field

from shared.http.answers import Answer, Instant
from shared.http.shown_names import EventId, ExceptionId, Owner, Source
from shared.topics.rating import StatementHeld
from shared.values.instants import from_us
from shared.values.made_from import made_from


class EventNameAnswer(Answer):
    """An event, by what its producer calls it."""

    source: Source
    id: EventId


class HeldAnswer(Answer):
    """Why the figures are not whole: those of an older revision stand, or none."""

    reason: Annotated[str, Field(examples=["pricing_failed"])]
    since: Instant
    """Of the business clock"""
    events: int | None
    """How many are in the way; null where it is not single events that are"""
    named: list[EventNameAnswer]
    """The first few of them"""
    exception: ExceptionId
    owner: Owner
    detail: str
    """Names the fault and the remedy"""

    @classmethod
    def of(cls, held: StatementHeld) -> Self:
        return made_from(
            cls,
            held,
            since=from_us(held.since_us),
            named=[EventNameAnswer(source=event.source, id=event.id) for event in held.named],
        )
