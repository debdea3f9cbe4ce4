"""An event's whole story, and usage in suspense, as rows: the fields are the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.rating.disposition.domain.verdict import Reason
from services.rating.metering.domain.tally import Measurable


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events`, with the run of the log its batch took (None where nothing is known of it). `folded`:
    whether the fold has passed it, so that aggregates have it; `body`: its data as text; `read`: the event as
    meters read it."""

    key: bytes
    source: str
    id: str
    batch_id: int
    seq: int
    partition: int
    received_at: datetime
    time: datetime
    type: str
    subject: str
    body: str
    topic: str | None
    from_offset: int | None
    to_offset: int | None
    stored_at: datetime | None
    folded: bool
    read: Measurable


@dataclass(frozen=True, slots=True)
class FoundNewest:
    """Events, the newest first. `beyond`: there are older ones than were looked through."""

    events: Sequence[EventRow]
    beyond: bool


@dataclass(frozen=True, slots=True)
class AskedEvent:
    """An event whose contracts are asked for. `n`: its place among them, from 0; the last two: where its void is, if there is
    one."""

    n: int
    customer_id: str | None
    time: datetime
    batch_id: int
    partition: int
    subject: str
    void_batch_id: int | None
    void_partition: int | None


@dataclass(frozen=True, slots=True)
class TakenRow:
    """When a record was received, and in which batch it was taken."""

    batch_id: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class VoidRow(TakenRow):
    """A row of `voids`: the void in force for an event. `folded`: whether the fold has passed it, so that
    aggregates are without the event."""

    partition: int
    folded: bool


@dataclass(frozen=True, slots=True)
class DeliveryRow(TakenRow):
    """A further delivery of an event; `total`: how many there are, of which some are listed."""

    seq: int
    total: int


@dataclass(frozen=True, slots=True)
class ConflictRow(DeliveryRow):
    """A delivery of another body under the event's id."""

    body: str


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """The customer a subject means now; `alias`: not by its external id."""

    customer_id: str
    external_id: str
    alias: bool


@dataclass(frozen=True, slots=True)
class SuspenseRow:
    """Events of one owner (external id, or a subject nobody knows), type and UTC month that nobody pays for
    yet."""

    owner: str
    customer_id: str | None
    type: str
    month: datetime
    reason: Reason
    events: int


@dataclass(frozen=True, slots=True)
class SuspenseFilter:
    """Events in [start, end); of this customer (external id), subject or type, in suspense for this reason, of an owner
    whose name begins with `q`, where one is given."""

    start: datetime
    end: datetime
    customer: str | None = None
    subject: str | None = None
    type: str | None = None
    reason: Reason | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class NewestFilter:
    """Which of the newest events; None does not restrict."""

    type: str | None = None
    source: str | None = None
    subject: str | None = None
