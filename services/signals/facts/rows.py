"""Facts, as rows: the fields are the columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.signals.domain.score_report import Outcome

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
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FactRow(StoredFact):
    """A row of `facts`, with what became of it."""

    state: State
    snoozed_until: datetime | None
    acknowledged_by: str | None
    outcome: Outcome | None
    outcome_at: datetime | None
    told_at: datetime


@dataclass(frozen=True, slots=True)
class FactFilter:
    """What a list of facts is asked for; None asks for all."""

    type: str | None = None
    customer: str | None = None
    contract: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class JudgedRenewalRow:
    """A contract's term with an outcome. `term_end` is an ISO date."""

    contract: str
    term_end: str
    at_risk: bool
    outcome: Outcome
