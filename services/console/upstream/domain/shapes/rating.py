"""What rating answers."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from services.console.domain.formats import Number
from services.console.upstream.domain.shapes.parts import (
    EXCEPTIONS,
    Day,
    Instant,
    Listed,
    Period,
    Worth,
)


class Clock(Struct, frozen=True):
    now: Instant
    moved: bool


class Freshness(Struct, frozen=True):
    covers_until: Instant | None
    lag_s: float | None


class RecordsBehind(Struct, frozen=True):
    service: str
    records: int


class Barrier(Struct, frozen=True):
    records: list[RecordsBehind]
    batches: int
    marks: int
    since: Instant | None


class StateTotal(Struct, frozen=True):
    state: str
    currency: str | None
    statements: int
    subtotal: Number | None


class Closing(Struct, frozen=True):
    totals: list[StateTotal]
    barrier: Barrier


class Holding(Struct, frozen=True):
    id: str
    detail: str
    owner: str


class OpenStatement(Struct, frozen=True):
    contract: str
    customer: str
    start: Day
    end: Day
    state: str
    close_due_at: Instant
    currency: str | None
    subtotal: Number | None
    marks: int | None
    asked: bool
    older_open: bool
    held: Holding | None


class LateLine(Struct, frozen=True):
    key: str
    quantity: Number
    amount: Number


class LateUsage(Struct, frozen=True):
    contract: str
    period: Period
    accepted_until: Instant
    events: int
    currency: str
    amount: Number | None
    lines: list[LateLine]
    fault: str | None
    watermark: dict[str, int]


class Suspense(Struct, frozen=True):
    customer: str | None
    subject: str | None
    type: str
    month: str
    reason: str
    events: int
    value: Worth | None


class Contract(Struct, frozen=True):
    contract: str
    customer: str


class Received(Struct, frozen=True):
    received_at: Instant


class StoredEvent(Struct, frozen=True):
    type: str
    subject: str
    time: Instant
    received_at: Instant
    data: Any
    partition: int
    batch_id: int
    seq: int


class Owner(Struct, frozen=True):
    external_id: str
    by_alias: bool


class Reading(Struct, frozen=True):
    meter: str
    value: Number | None
    item: str | None
    unreadable: bool

    def __post_init__(self) -> None:
        if not self.unreadable and self.value is None and self.item is None:
            raise ValueError("a reading without a value")


class HoldingException(Struct, frozen=True):
    kind: str
    detail: str
    owner: str


class ChargingLine(Struct, frozen=True):
    key: str


class ChargingContract(Struct, frozen=True):
    contract: str
    version: int
    period: Period
    final: bool
    lines: list[ChargingLine]


class EventExplanation(Struct, frozen=True):
    """Of an event that is stored all of it is said."""

    verdict: str
    detail: str
    void: Received | None
    duplicates: list[Received]
    duplicates_total: int
    conflicts_total: int
    stored: StoredEvent | None
    customer: Owner | UnsetType | None = UNSET
    meters: list[Reading] | UnsetType = UNSET
    exceptions: list[HoldingException] | UnsetType = UNSET
    contracts: list[ChargingContract] | UnsetType = UNSET

    def __post_init__(self) -> None:
        said = (self.customer, self.meters, self.exceptions, self.contracts)
        if self.stored and UNSET in said:
            raise ValueError("a stored event without its customer, meters, exceptions or contracts")
        if self.duplicates_total and not self.duplicates:
            raise ValueError("duplicates of which none is named")


ANSWERS = {
    **EXCEPTIONS,
    ("GET", "/v1/clock"): Clock,
    ("GET", "/v1/freshness"): Freshness,
    ("GET", "/v1/closing/{}"): Closing,
    ("GET", "/v1/closing/{}/statements"): Listed[OpenStatement],
    ("GET", "/v1/late-usage"): Listed[LateUsage],
    ("GET", "/v1/late-usage/{}/{}"): LateUsage,
    ("GET", "/v1/suspense"): Listed[Suspense],
    ("GET", "/v1/contracts"): Listed[Contract],
    ("GET", "/v1/events/explain"): EventExplanation,
}
