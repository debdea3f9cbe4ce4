"""An event's whole story, and usage in suspense, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.rating.metering.domain.tally import Measurable

Reason = Literal["no_customer", "no_meter", "no_contract"]


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events`, with the run of the log its batch took (None where nothing is known of it). `folded`:
    whether the fold has passed it, so that aggregates have it; `body`: its data as text; `read`: the event as
    meters read it."""

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
    """Events in [start, end); of this customer (external id) or subject, where one is given."""

    start: datetime
    end: datetime
    customer: str | None = None
    subject: str | None = None
