"""What people do with signals, as the API takes it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.signals.domain.outcomes import Outcome
from services.signals.parameters import Instant
from shared.values.fields import GivenId
from shared.values.names import ACTOR, STORABLE

#: Signals of one call.
SIGNALS_MAX = 200
NOTE_CHARACTERS_MAX = 4000
Assignee = Annotated[str, Field(pattern=f"^{ACTOR}$", examples=["usr_1"])]
NoteText = Annotated[str, Field(min_length=1, max_length=NOTE_CHARACTERS_MAX, pattern=STORABLE)]
Until = Annotated[Instant, Field(description="Business time", examples=["2026-11-09T09:00:00Z"])]


class SnoozeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: Until


class OutcomeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outcome: Outcome


class AssignBody(BaseModel):
    """Who looks after it; null: nobody."""

    model_config = ConfigDict(extra="forbid")

    to: Assignee | None


class NoteBody(BaseModel):
    """What somebody found out about it."""

    model_config = ConfigDict(extra="forbid")

    text: NoteText


class ManyBody(BaseModel):
    """One thing to do with several signals: with each of them, or with none."""

    model_config = ConfigDict(extra="forbid")

    signals: Annotated[list[GivenId], Field(min_length=1, max_length=SIGNALS_MAX)]
    act: Literal["acknowledge", "snooze", "assign", "note"]
    until: Annotated[Until | None, Field(description="Of a snooze")] = None
    to: Annotated[Assignee | None, Field(description="Of an assignment; null: nobody")] = None
    text: Annotated[NoteText | None, Field(description="Of a note")] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = {"snooze": "until", "assign": "to", "note": "text"}.get(self.act)
        given = self.model_fields_set - {"signals", "act"}
        if needed is not None and (needed not in given or (needed != "to" and getattr(self, needed) is None)):
            raise PydanticCustomError(
                "missing_part", "{act} needs {part}.", {"act": self.act, "part": needed}
            )
        if strange := sorted(given - {needed}):
            raise PydanticCustomError(
                "strange_part", "{act} takes no {part}.", {"act": self.act, "part": strange[0]}
            )
        return self
