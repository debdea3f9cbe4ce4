"""Corrections as rows: the fields are the columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec

from services.rating.corrections.domain.late import Batches, Decision
from services.rating.metering.domain.apart import Left
from services.rating.metering.domain.stretches import NOTHING_TAKEN_OUT, TakenOut
from services.rating.statements.rows import ClaimedPeriod
from shared.db.columns import JSONB, Integer, Uuid
from shared.topics.rating import STATEMENTS, StatementMessage
from shared.topics.statement_steps import apart
from shared.values.made_from import made_from

#: A contract and the start of one of its periods.
Place = tuple[str, datetime]
Outcome = Literal["note", "carried", "waived", "unchanged"]


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A row of `corrections`."""

    contract: str
    period_start: datetime
    run: Integer
    number: Integer | None
    outcome: str
    statement_id: Uuid
    revision: int
    watermark: Annotated[Mapping[str, int], JSONB]
    watermark_us: int
    subtotal_minor: int
    asked_minor: int
    currency: str
    said: str
    explanation: str | None
    closing: Annotated[msgspec.Raw, JSONB]
    known_version: Integer
    taken_out: Annotated[Mapping[str, Any] | None, JSONB]
    taken_out_of: Annotated[Mapping[str, Any] | None, JSONB]
    handed_on: Annotated[msgspec.Raw | None, JSONB]
    handed_to: datetime | None

    @classmethod
    def of(cls, message: StatementMessage, kept: "KeptWith") -> Self:
        said, explanation = apart(message)
        return made_from(
            cls,
            message,
            period_start=kept.period_start,
            run=kept.run,
            number=kept.number,
            outcome=kept.outcome,
            asked_minor=message.document_minor - message.drawn_minor,
            said=STATEMENTS.encode(said).decode(),
            explanation=explanation,
            closing=msgspec.Raw(msgspec.json.encode(kept.closing)),
            known_version=kept.known_version,
            taken_out=kept.out.batches.as_stored() if kept.out else None,
            taken_out_of=kept.out.own_as_stored() if kept.out else None,
            handed_on=msgspec.Raw(msgspec.json.encode(kept.handed_on)) if kept.handed_on else None,
            handed_to=kept.handed_to if kept.handed_on else None,
        )

    def saying(self, message: StatementMessage) -> Self:
        """The same with this message, which differs in what was paid for its draws."""
        said, _ = apart(message)
        return replace(self, said=STATEMENTS.encode(said).decode())


@dataclass(frozen=True, slots=True)
class KeptWith:
    """What a row of `corrections` says beside its message."""

    period_start: datetime
    run: int
    number: int | None
    outcome: Outcome
    closing: list[Any]
    known_version: int
    out: TakenOut | None
    handed_on: Sequence[Any]
    handed_to: datetime | None


@dataclass(frozen=True, slots=True)
class FinalPeriod:
    """A final period that this transaction holds to correct it: as it was settled last, with the opening of its
    statement. `runs` and `numbers`: how many there were; until `accept_until` what comes is accepted; `next_open`: the
    start of the oldest period of its contract that is not final, which takes over what its corrections hand on."""

    claimed: ClaimedPeriod
    accept_until: datetime
    final_version: int
    runs: int
    numbers: int
    next_open: datetime | None

    @property
    def place(self) -> Place:
        return self.claimed.contract, self.claimed.period_start


@dataclass(frozen=True, slots=True)
class NotedLate:
    """A final period that may have late usage, and when that was noted last (machine clock)."""

    contract: str
    period_start: datetime
    noted_at: datetime

    @property
    def place(self) -> Place:
        return self.contract, self.period_start


@dataclass(frozen=True, slots=True)
class AskedLate:
    """A final period of which is asked what came late, in which batches, of which types."""

    place: Place
    among: TakenOut
    types: Sequence[str]


@dataclass(frozen=True, slots=True)
class NewDecision:
    """What is decided about the late usage of these subjects, in the batches after `after`, up to `up_to`."""

    decision: Decision
    reason: str
    after: Batches
    up_to: Batches
    subjects: Sequence[str]
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class EndedContract:
    """A contract without open periods: when the last one ended, until when anything is accepted for one, and whether one
    is marked to be corrected, now or later."""

    contract: str
    last_end: datetime
    accept_until: datetime
    marked: bool


@dataclass(frozen=True, slots=True)
class SaidCorrection:
    """A correction as it was said, and what was held or waived then."""

    contract: str
    period_start: datetime
    run: int
    outcome: Outcome
    message: StatementMessage
    out: TakenOut = NOTHING_TAKEN_OUT


@dataclass(frozen=True, slots=True)
class StoredCorrection:
    """A correction, whose usage it covers, of those that had left what of it, and what was out."""

    said: SaidCorrection
    subjects: tuple[str, ...]
    left: tuple[Left, ...]
    out: TakenOut
