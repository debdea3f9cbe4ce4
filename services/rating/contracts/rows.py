"""Contracts and their periods, as rows: the fields are the columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from shared.db.columns import Integer
from shared.values.period import ServicePeriod


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A row of `contracts` with its customer's external id."""

    contract: str
    customer_id: str
    external_id: str
    revision: int
    created_at: datetime
    next_period_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionName:
    """What tells a row of `contract_versions` from any other, a rolled back one included."""

    contract: str
    version: int
    effective_at: datetime
    content_hash: str


@dataclass(frozen=True, slots=True)
class VersionRow(VersionName):
    """A row of `contract_versions`. `recorded_at` is of the business clock, `stamped_at` of the machine's;
    `terms` is the document as validated."""

    recorded_at: datetime
    stamped_at: datetime
    terms: dict[str, Any]
    corrects_final: bool


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be recorded; `corrects_final`: it reaches into final periods, and whoever applied it said so."""

    version: int
    effective_at: datetime
    recorded_at: datetime
    content_hash: str
    terms: Mapping[str, Any]
    corrects_final: bool


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """An opened period of one contract."""

    period_start: datetime
    period_end: datetime
    start_date: date
    end_date: date
    final: bool


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """Which contracts; None does not restrict. `external_id`: of the customer; `q`: how that or the contract's name
    begins."""

    external_id: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedPeriod:
    """A row of `periods` as the clock opens it."""

    contract: str
    period_start: datetime
    period_end: datetime
    start_date: date
    end_date: date
    whole_days: Integer
    close_due_at: datetime

    @classmethod
    def of(cls, contract: str, period: ServicePeriod, close_due_at: datetime) -> Self:
        return cls(
            contract=contract,
            period_start=period.start,
            period_end=period.end,
            start_date=period.start_date,
            end_date=period.end_date,
            whole_days=period.whole_days,
            close_due_at=close_due_at,
        )
