"""What the API shows of the business clock."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.clock.rows import Instance
from services.rating.clock.usecases import Advanced
from shared.http.answers import Answer, Instant
from shared.runtime.clock import BusinessClock


class FollowerAnswer(Answer):
    """A running instance of a service."""

    instance: str
    service: Annotated[str, Field(examples=["billing"])]
    acknowledged: bool
    """Whether it has followed the last move"""

    @classmethod
    def of(cls, row: Instance, revision: int) -> Self:
        return cls(
            instance=row.instance_id,
            service=row.service,
            acknowledged=row.acked_revision >= revision,
        )


class ClockAnswer(Answer):
    """The business time, and who follows it."""

    object: Literal["clock"] = "clock"
    now: Instant
    moved: bool
    """Whether it was ever moved: then it stands where it was put; else it is the machine's"""
    revision: int
    instances: list[FollowerAnswer]

    @classmethod
    def of(cls, clock: BusinessClock, instances: Sequence[Instance]) -> Self:
        return cls(
            now=clock.now(),
            moved=clock.moved_to is not None,
            revision=clock.revision,
            instances=[FollowerAnswer.of(row, clock.revision) for row in instances],
        )


class StandingClockAnswer(Answer):
    """Where the business clock stands, as its audit rows say it."""

    object: Literal["clock"] = "clock"
    now: Instant


class AdvancedClockAnswer(Answer):
    """Where the business clock was, and where it stands: everything due until then is done."""

    object: Literal["clock"] = "clock"
    before: Instant
    now: Instant
    moved: Literal[True] = True
    revision: int
    due_instants: list[Instant]
    """Where it stopped on the way, to let what was due then be done"""

    @classmethod
    def of(cls, moved: Advanced) -> Self:
        return cls(before=moved.before, now=moved.now, revision=moved.revision, due_instants=list(moved.due))
