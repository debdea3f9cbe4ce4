"""A break: one row at which one of the five checks does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.values.instants import written
from shared.values.money import Money


class K(StrEnum):
    """The five checks, K1–K5."""

    TRANSPORT = "K1"
    DOOR = "K2"
    DISPOSITION = "K3"
    QUANTITY = "K4"
    MONEY = "K5"


SAYS: Mapping[K, str] = {
    K.TRANSPORT: "every message of every topic is in exactly one batch row; what is not yet is in flight",
    K.DOOR: "received = published + quarantined + refused; what was published is taken, by source; nothing is set aside, nothing stands still",
    K.DISPOSITION: "stored = voided + suspense + unpriced + held late + waived late + held + applied, and stored = new of the batches",
    K.QUANTITY: "quantities recomputed from raw events = the aggregates = the statements",
    K.MONEY: "settled lines and draws = documents + waived + carried + unbilled, the rows of each block are what it was granted "
    "and what statements draw, the journal owes of each what is left of it, numbers have no gap and dates rise with them, and the journal balances",
}
OWNERS: Mapping[K, str] = {
    K.TRANSPORT: "platform",
    K.DOOR: "platform",
    K.DISPOSITION: "product",
    K.QUANTITY: "rating",
    K.MONEY: "finance",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Where it broke: a table and the key of one row of it (which may be the row that should be there)."""

    table: str
    key: Mapping[str, Any]

    @property
    def named(self) -> dict[str, str]:
        """The key in words."""
        return {name: _in_words(value) for name, value in self.key.items()}

    def __str__(self) -> str:
        return f"{self.table} " + " ".join(f"{name}={word}" for name, word in self.named.items())


@dataclass(frozen=True, slots=True)
class Break:
    """One row at which a check does not hold. `says` names fault and remedy; `contract` is the one whose
    close it stops, if one.

    `worth`: what waits there, by currency, where it can be said.
    """

    k: K
    fault: str
    where: Row
    expected: str
    found: str
    says: str
    contract: str | None = None
    period_start: datetime | None = None
    worth: tuple[Money, ...] = ()

    @property
    def owner(self) -> str:
        return OWNERS[self.k]

    @property
    def reference(self) -> str:
        """What an exception about it is named by: the same break found again refreshes the same exception."""
        return f"{self.fault}: {self.where}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One statement, evaluated: what it counted, where it broke as far as it was asked to list that, and how
    many `more` breaks there are.

    `amounts`: currency → what (settled, documented, …) → minor units; currencies are never added.
    """

    k: K
    figures: Mapping[str, int]
    breaks: tuple[Break, ...] = ()
    amounts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    more: int = 0

    @property
    def breaks_total(self) -> int:
        return len(self.breaks) + self.more

    @property
    def holds(self) -> bool:
        return self.breaks_total == 0


@dataclass(frozen=True, slots=True)
class Report:
    """All five checks at one cut: `watermark` is the last batch of each partition of usage.events that the
    snapshot saw."""

    taken_at: datetime  # machine clock
    watermark: Mapping[str, int]
    statements: tuple[Checked, ...] = field(default=())
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return all(checked.holds for checked in self.statements)

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Those that are listed; `breaks_total` counts them all."""
        return tuple(found for checked in self.statements for found in checked.breaks)

    @property
    def breaks_total(self) -> int:
        return sum(checked.breaks_total for checked in self.statements)

    def of(self, k: K) -> Checked:
        return next(checked for checked in self.statements if checked.k is k)


def merged(parts: list[Checked]) -> Checked:
    """One statement evaluated in pieces, as a whole: figures add up, breaks follow one another."""
    figures: dict[str, int] = {}
    amounts: dict[str, dict[str, int]] = {}
    for part in parts:
        _add(figures, part.figures)
        for code, of in part.amounts.items():
            _add(amounts.setdefault(code, {}), of)
    breaks = tuple(found for part in parts for found in part.breaks)
    return Checked(parts[0].k, figures, breaks, amounts, sum(part.more for part in parts))


def _add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    for name, value in more.items():
        sums[name] = sums.get(name, 0) + value


def _in_words(value: object) -> str:
    if isinstance(value, datetime):
        return written(value)
    return value.hex() if isinstance(value, bytes) else str(value)
