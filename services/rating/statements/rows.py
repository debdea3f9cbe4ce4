"""Statements and the periods they are of, as rows: the fields are the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from services.rating.statements.domain.balances import opened_with
from services.rating.statements.domain.due import DueStatement
from shared.pricing.inputs import VersionInForce
from shared.topics.rating import STATEMENTS, StatementMessage
from shared.topics.statement_steps import together
from shared.values.period import ServicePeriod

#: `due`: its grace has ended; `held`: it cannot be priced, due or not.
State = Literal["open", "due", "held", "final"]


@dataclass(frozen=True, slots=True)
class PeriodColumns:
    """What a row says of its service period."""

    period_start: datetime
    period_end: datetime
    start_date: date
    end_date: date
    whole_days: int

    def in_zone(self, timezone: str) -> ServicePeriod:
        """The service period, whose days are those of this zone."""
        return ServicePeriod(
            start=self.period_start,
            end=self.period_end,
            start_date=self.start_date,
            end_date=self.end_date,
            whole_days=self.whole_days,
            billed_days=(self.end_date - self.start_date).days + 1,
            timezone=timezone,
        )


@dataclass(frozen=True, slots=True)
class ClaimedPeriod(PeriodColumns):
    """A period that this transaction holds to price it.

    `revision`, `closing` and `subtotal_minor` are of its statement as it stands (0, none, None before the
    first pricing); `opening` is what the period before closed with, `handed` what corrections handed on to this
    one, each as a list of its own; `held`: pricing failed before; `seldom`: usage alone asked for it.
    """

    contract: str
    close_due_at: datetime
    held: bool
    seldom: bool
    customer_id: str
    external_id: str
    revision: int
    closing: Sequence[Any]
    subtotal_minor: int | None
    opening: Sequence[Any]
    handed: Sequence[Sequence[Any]] = ()

    def due(self, chain: tuple[VersionInForce, ...]) -> DueStatement:
        """The statement that is due, under this chain of versions."""
        return DueStatement(
            contract=self.contract,
            customer_id=self.customer_id,
            customer=self.external_id,
            period=self.in_zone(chain[-1].terms.timezone),
            close_due_at=self.close_due_at,
            chain=chain,
            previous_revision=self.revision,
            closing=self.closing,
            opening=opened_with(self.opening, self.handed),
            held=self.held,
            subtotal_minor=self.subtotal_minor,
        )


@dataclass(frozen=True, slots=True)
class DuePeriod:
    """A period whose grace has ended. `retry_at` is of the machine clock; amount and currency are of the open
    statement, its price tag."""

    contract: str
    period_start: datetime
    start_date: date
    close_due_at: datetime
    retry_at: datetime | None
    subtotal_minor: int | None
    currency: str | None

    @property
    def reference(self) -> str:
        """What an exception about it names."""
        return f"{self.contract}:{self.start_date}"


@dataclass(frozen=True, slots=True)
class StatementName:
    """A statement, by its contract and the local day on which its period begins."""

    contract: str
    start_date: date


@dataclass(frozen=True, slots=True)
class KnownStatement:
    """A statement, and the revision of it that an asker knows; 0: none."""

    name: StatementName
    revision: int


@dataclass(frozen=True, slots=True)
class StoredStatement(PeriodColumns):
    """A statement as it stands, what it opened with, and the newest version of the contract it knew."""

    document: StatementMessage
    opening: Sequence[Any]
    known_version: int


@dataclass(frozen=True, slots=True)
class SaidStatement:
    """A statement as it was said: a StatementMessage as JSON text, and beside it its explanation; None of a draft, and
    where it was not kept."""

    contract: str
    period_start: datetime
    said: str
    explanation: str | None

    @property
    def message(self) -> StatementMessage:
        return together(STATEMENTS.decode(self.said.encode()), self.explanation)


@dataclass(frozen=True, slots=True)
class FinalPeriod:
    """A period that is final."""

    contract: str
    start_date: date


@dataclass(frozen=True, slots=True)
class StatementFilter:
    """Which statements; None does not restrict. `customer` is an external id, `month` the one in which the last day of
    the period is."""

    contract: str | None = None
    customer: str | None = None
    final: bool | None = None
    month: str | None = None
    state: State | None = None
