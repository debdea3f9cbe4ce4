"""Facts, as rows: the fields are the columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from services.signals.domain.outcomes import Judgement, Outcome
from shared.db.columns import JSONB

State = Literal["open", "acknowledged", "snoozed"]


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A row of `facts` as it is told. `data` is JSON."""

    signal_id: str
    type: str
    customer_id: str
    customer: str
    contract: str | None
    day: date
    occurred_at: datetime
    sequence: int
    data: Annotated[Mapping[str, object], JSONB]


@dataclass(frozen=True, slots=True)
class Named:
    """What somebody said came of it. `by`: the actor; `at`: business clock."""

    outcome: Outcome
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What the months after the term say, and what that rests on."""

    at: datetime
    evidence: Judgement


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down. `by`: the actor; `at`: business clock."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FactRow(StoredFact):
    """A row of `facts`, with what became of it: `named` and `notes`, the newest first, and the last judgement of its
    term."""

    state: State
    snoozed_until: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    told_at: datetime
    named: tuple[Named, ...]
    judged: Judged | None
    assignee: str | None
    notes: tuple[Note, ...]

    @property
    def outcome(self) -> Outcome | None:
        """What stands: the last word of a person, without one the judgement."""
        if self.named:
            return self.named[0].outcome
        return self.judged.evidence.outcome if self.judged else None

    @property
    def outcome_at(self) -> datetime | None:
        if self.named:
            return self.named[0].at
        return self.judged.at if self.judged else None


@dataclass(frozen=True, slots=True)
class FactFilter:
    """What a list of facts is asked for; None asks for all. `q`: how the customer's external id begins."""

    type: str | None = None
    customer: str | None = None
    contract: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class SeatTimes:
    """How long the facts of a seat waited, from when they became true: the median of those that were acknowledged, and of
    those with an outcome, in seconds of the business clock; None without one."""

    seat: str
    facts: int
    acknowledged: int
    acknowledged_after_s: float | None
    ended: int
    outcome_after_s: float | None
