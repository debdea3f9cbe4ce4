"""What the questions of the reconciliation answer, row by row, named like their columns."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from services.billing.conservation.domain.dispositions import OWNERS, Bucket, Late, Reason
from shared.values.money import Currency, Money, Rounding, settle


class Usage(msgspec.Struct, frozen=True):
    """Whose usage, of which event type and month. `subject` is said where no customer has it."""

    customer: str | None
    subject: str | None
    type: str
    month: datetime


class ListPrice(msgspec.Struct, frozen=True):
    """What a unit is worth where no contract prices it."""

    currency: Currency
    unit: Decimal

    def of(self, quantity: Decimal) -> Money:
        """A quantity at list price, rounded once, half up."""
        return settle(quantity * self.unit, self.currency, Rounding.HALF_UP)


class Counted(msgspec.Struct, frozen=True):
    """Events of a usage in one bucket; a reason for what is in suspense or held."""

    usage: Usage
    bucket: Bucket
    reason: Reason | None
    events: int


class Measured(msgspec.Struct, frozen=True):
    """What a meter makes of the events of a usage in one bucket; `read`: how many of them it could read."""

    usage: Usage
    bucket: Bucket
    meter: str
    list_price: ListPrice | None
    read: int
    quantity: Decimal


class Settled(msgspec.Struct, frozen=True):
    """What rating settled of a contract's period, as it was corrected last, what billing documents of it, and what is
    waived."""

    customer: str
    contract: str
    start_date: date
    end_date: date
    final: bool
    revision: int
    settled: Money
    documented: Money
    waived: Money
    documents: tuple[str, ...]

    @property
    def unbilled(self) -> Money:
        """What no document says yet, or what is carried to the next correction."""
        rest = self.settled.minor - self.documented.minor - self.waived.minor
        return Money(rest, self.settled.currency)


class ContractPeriod(msgspec.Struct, frozen=True, order=True):
    """A period of a contract, by its first instant."""

    contract: str
    period_start: datetime


class Holder(msgspec.Struct, frozen=True, order=True):
    """An exception that keeps a period from being priced."""

    exception_id: str
    kind: str
    owner: str


class Hold(msgspec.Struct, frozen=True):
    """A meter whose usage in a period waits for an exception."""

    contract: str
    period_start: datetime
    meter: str
    exception_id: str
    kind: str
    owner: str


class Placed(msgspec.Struct, frozen=True):
    """An event and its bucket. `held_kind` says what is held late of an event that is still applied.

    `closed`: the final statements over it; `holds`: what holds the periods it lies in, whatever the meter.
    """

    source: str
    id: str
    type: str
    subject: str
    customer: str | None
    time: datetime
    received_at: datetime
    batch_id: int
    seq: int
    bucket: Bucket
    reason: Reason | None
    held_kind: Literal["void", "leaving"] | None
    meters: tuple[str, ...]
    closed: tuple[ContractPeriod, ...]
    holds: tuple[Hold, ...]
    value: Money | None

    @property
    def owner(self) -> str | None:
        """Who decides about it, where anything waits."""
        if self.reason:
            return OWNERS[self.reason]
        return OWNERS[Late.AFTER_THE_CUT] if self._late else None

    @property
    def periods(self) -> list[ContractPeriod]:
        """Those it came too late for, or that cannot be priced."""
        return sorted(
            set(self.closed)
            if self._late
            else {ContractPeriod(hold.contract, hold.period_start) for hold in self._holding()}
        )

    @property
    def holders(self) -> list[Holder]:
        """The exceptions that hold its periods."""
        return sorted({Holder(hold.exception_id, hold.kind, hold.owner) for hold in self._holding()})

    @property
    def _late(self) -> bool:
        return self.held_kind is not None or self.bucket is Bucket.HELD_LATE

    def _holding(self) -> Iterator[Hold]:
        return (hold for hold in self.holds if self.bucket is Bucket.HELD and hold.meter in self.meters)
