"""Contracts and their periods, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from shared.db.columns import Integer
from shared.values.period import ServicePeriod


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """An opened period of one contract."""

    period_start: datetime
    period_end: datetime
    start_date: date
    end_date: date
    final: bool


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
