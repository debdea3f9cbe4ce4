"""Receipts, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.runtime.clock import from_us
from shared.topics.usage_ingest import ReceiptMessage
from shared.values.made_from import made_from


@dataclass(frozen=True, slots=True)
class ToldReceipt:
    """A row of `receipts` as it is told: what was refused, and in which hour, follows."""

    receipt_id: str
    key_id: str
    source: str
    received_at: datetime
    received: int
    published: int
    quarantined: int

    @classmethod
    def of(cls, message: ReceiptMessage) -> Self:
        return made_from(cls, message, received_at=from_us(message.received_us))


@dataclass(frozen=True, slots=True)
class DoorHour:
    """A row of `door_hours`: what came in within an hour, by one key, from one source."""

    key_id: str
    source: str
    hour: datetime
    receipts: int
    received: int
    published: int
    quarantined: int
    refused: int


@dataclass(frozen=True, slots=True)
class DoorFilter:
    """Which hours; None does not restrict. `until` is exclusive."""

    key_id: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
