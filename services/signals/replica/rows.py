"""What was heard, as rows: the fields are the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

import msgspec

from services.signals.domain.active_day import ActiveDay, Hours
from services.signals.domain.rollup import Rollup
from services.signals.domain.statement import Statement, names_capacity
from shared.db.columns import JSONB, Integer, Pg
from shared.runtime.clock import from_us
from shared.topics.billing import DocumentMessage
from shared.topics.rating import (
    ContractVersion,
    CustomerMessage,
    MeterMessage,
    StatementMessage,
)
from shared.values.decimals import plain
from shared.values.made_from import made_from

Items = Annotated[str, Pg("text[]", "text", "coalesce(string_to_array(nullif({}, ''), ','), '{{}}')")]
"""Texts without a comma, joined by commas: arrays of arrays of different lengths do not travel."""
Integers = Annotated[str, Pg("bigint[]", "text", "{}::bigint[]")]
"""An array as a literal, for the same reason."""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A row of `customers`: the newest revision of a customer."""

    customer_id: str
    revision: int
    external_id: str
    name: str
    timezone: str

    @classmethod
    def of(cls, message: CustomerMessage) -> Self:
        return cls(message.customer_id, message.revision, message.external_id, message.name, message.timezone)


@dataclass(frozen=True, slots=True)
class MeterRow:
    """A row of `meters`: the newest revision of a meter."""

    meter: str
    revision: int
    event_type: str
    adds_up: bool
    role: str | None
    heartbeat_s: Integer | None

    @classmethod
    def of(cls, message: MeterMessage) -> Self:
        return made_from(cls, message)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A row of `statements`: the newest revision of a statement. `capacity` is None where its contract
    includes and guarantees nothing. `asks`: once it is final a document of it follows; None of what was heard before
    that was kept."""

    contract: str
    period_start: datetime
    period_end: datetime
    revision: int
    customer: str
    final: bool
    capacity: Annotated[Statement | None, JSONB]
    asks: bool | None

    @classmethod
    def of(cls, message: StatementMessage) -> Self:
        has_capacity = names_capacity(message.consumption)
        return made_from(
            cls,
            message,
            period_start=from_us(message.period_start_us),
            period_end=from_us(message.period_end_us),
            capacity=msgspec.convert(message, Statement, from_attributes=True) if has_capacity else None,
            asks=message.is_correction or not _comes_to_nothing(message),
        )


def _comes_to_nothing(message: StatementMessage) -> bool:
    """Whether billing leaves its document out."""
    return message.skip_zero_invoices and message.document_minor == message.drawn_minor == 0


@dataclass(frozen=True, slots=True)
class HeardDocument:
    """A row of `documents`: a finalized document that settles what it asks for, of the period that begins on a day.
    `awaited`: it was told before money was kept, and is told again."""

    document_id: str
    contract: str
    customer_id: str
    start_date: date
    awaited: bool = False

    @classmethod
    def of(cls, message: DocumentMessage) -> Self:
        return made_from(cls, message, start_date=date.fromisoformat(message.period_start_date))


@dataclass(frozen=True, slots=True)
class SettledPeriodRow:
    """What is settled of a service period, as last corrected, and by which documents. The dates are inclusive."""

    contract: str
    start_date: date
    end_date: date
    currency: str
    settled_minor: int
    shortfall_minor: int
    documents: Sequence[str]


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract as it was heard: as many versions, oldest first, as come without a gap; at least one."""

    contract: str
    versions: tuple[ContractVersion, ...]


@dataclass(frozen=True, slots=True)
class ReplicatedActivity:
    """A row of `activity` as it is written, all but its `items`."""

    subject: str
    meter: str
    day: date
    revision: int
    customer_id: str | None
    hours: Annotated[Hours, JSONB]
    last_seen_at: datetime
    items_revision: int
    folded: bool
    rolled_hours: Annotated[Hours | None, JSONB]
    rolled_customer_id: str | None

    @classmethod
    def of(cls, day: ActiveDay) -> Self:
        return cls(
            day.subject,
            day.meter,
            day.day,
            day.revision,
            day.customer_id,
            day.hours,
            from_us(day.last_seen_us),
            day.items_revision,
            day.folded,
            day.rolled_hours,
            day.rolled_customer_id,
        )


@dataclass(frozen=True, slots=True)
class ReplicatedItems:
    """The `items` of a row of `activity`: written alone, since there may be a thousand of them in a row whose
    hours change every second."""

    subject: str
    meter: str
    day: date
    items: Items


@dataclass(frozen=True, slots=True)
class RollupRow:
    """A row of `rollups` as it is written. `day_values`: a JSON list of decimals as text."""

    customer_id: str
    meter: str
    days_from: date
    weeks_from: date
    days: Integers
    weeks: Integers
    day_values: bytes
    total: Decimal
    last_seen_us: int
    gone_on: date | None

    @classmethod
    def of(cls, customer_id: str, rollup: Rollup) -> Self:
        return made_from(
            cls,
            rollup,
            customer_id=customer_id,
            days=_array(rollup.days),
            weeks=_array(rollup.weeks),
            day_values=msgspec.json.encode([plain(value) if value else "0" for value in rollup.values]),
        )


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


@dataclass(frozen=True, slots=True)
class ActiveDayRow:
    """Events of one meter on one UTC day."""

    meter: str
    day: date
    last_seen_at: datetime
    events: int


@dataclass(frozen=True, slots=True)
class CustomerDayRow:
    """Events of one customer, by external id, on one meter and UTC day."""

    customer: str
    meter: str
    day: date
    events: int


@dataclass(frozen=True, slots=True)
class MeterSeenRow:
    """The newest event's time of a meter, and how many days had any."""

    meter: str
    last_seen_at: datetime
    active_days: int
