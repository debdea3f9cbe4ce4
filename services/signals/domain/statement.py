"""What a daily evaluation reads of a statement: what its lines come to, and what of the contract's capacity
that is."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from shared.values.instants import from_us

MINIMUM, INCLUDED, USED = "minimum_minor", "included", "used"


class StatementLine(msgspec.Struct, frozen=True):
    """A settled line. `meter` is None where no usage is behind it."""

    key: str
    kind: str
    quantity: Decimal
    amount_minor: int
    meter: str | None = None


class Statement(msgspec.Struct, frozen=True):
    """A statement with an allowance or a spending minimum, as it is stored. The dates are local and both
    inclusive.

    `consumption`: `minimum_minor`, and of each line with an allowance `included:<line>`, with what was rolled over, and
    `used:<line>`.
    """

    currency: str
    period_start_us: int
    period_end_us: int
    period_start_date: date
    period_end_date: date
    lines: tuple[StatementLine, ...]
    consumption: dict[str, Decimal] = {}

    @property
    def start(self) -> datetime:
        return from_us(self.period_start_us)

    @property
    def end(self) -> datetime:
        return from_us(self.period_end_us)

    @property
    def end_day(self) -> date:
        """The first local day after the period."""
        return self.period_end_date + timedelta(days=1)

    def holds(self, day: date) -> bool:
        return self.period_start_date <= day <= self.period_end_date

    @property
    def minimum_minor(self) -> Decimal | None:
        """The spending minimum in minor units; None without one."""
        return self.consumption.get(MINIMUM)

    @property
    def lines_included(self) -> list[str]:
        """The lines with an allowance."""
        return [
            line for kind, _, line in (name.partition(":") for name in self.consumption) if kind == INCLUDED
        ]

    def included(self, line: str) -> Decimal:
        return self.consumption.get(f"{INCLUDED}:{line}", Decimal())

    def used(self, line: str) -> Decimal:
        return self.consumption.get(f"{USED}:{line}", Decimal())


def names_capacity(consumption: Iterable[str]) -> bool:
    """Whether what a statement says of consumption names an allowance or a spending minimum."""
    return any(name == MINIMUM or name.partition(":")[0] == INCLUDED for name in consumption)
