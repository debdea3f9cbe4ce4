"""Events of the quarantine, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, Self

from shared.db.columns import Integer
from shared.runtime.clock import from_us
from shared.topics.usage_ingest import QuarantineMessage
from shared.values.made_from import made_from

Status = Literal["open", "replayed", "repaired", "discarded"]
By = Literal["door", "metering"]
#: What events are grouped by in a summary; the day is the UTC day on which they were received.
Group = Literal["code", "day", "source"]
#: Who mends what cannot be taken.
OWNER: Final = "integration engineer"


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """A row of `quarantine` as it is told: open."""

    quarantine_id: str
    code: str
    detail: str
    raw: bytes
    source: str
    id: str
    type: str
    subject: str
    time: datetime | None
    key_id: str
    request_id: str
    index_: Integer
    received_at: datetime
    business_at: datetime
    by: str

    @classmethod
    def of(cls, message: QuarantineMessage) -> Self:
        return made_from(
            cls,
            message,
            time=None if message.time_us is None else from_us(message.time_us),
            index_=message.index,
            received_at=from_us(message.received_us),
            business_at=from_us(message.business_us),
        )


@dataclass(frozen=True, slots=True)
class QuarantinedEvent:
    """A row of `quarantine` without the event's bytes."""

    quarantine_id: str
    by: By
    code: str
    detail: str
    source: str
    id: str
    type: str
    subject: str
    time: datetime | None
    key_id: str
    request_id: str
    index_: int
    received_at: datetime
    business_at: datetime
    status: Status
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class QuarantinedBytes(QuarantinedEvent):
    """A row of `quarantine`: the event's own bytes, and those that were accepted in their place."""

    raw: bytes
    repaired: bytes | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """How events are closed: when (machine clock), by whom, and for what reason or by which bytes."""

    status: Status
    resolved_at: datetime
    resolved_by: str
    resolution: str | None = None
    repaired: bytes | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events of the quarantine; None does not restrict. `q`: how the id or the subject begins."""

    status: str | None = None
    code: str | None = None
    source: str | None = None
    id: str | None = None
    subject: str | None = None
    type: str | None = None
    by: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineGroup:
    """How many events have these in common, and when the first and the last of them was received. None: not asked."""

    code: str | None
    source: str | None
    day: date | None
    events: int
    oldest: datetime
    newest: datetime
