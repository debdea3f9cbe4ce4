"""Checks of the books as they are kept: rows of `conservation_checks` and `conservation_results`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from services.billing.conservation.domain.accepted import Acceptance
from services.billing.conservation.domain.waiting import Waiting
from services.billing.conservation.domain.waterfall import Waterfall
from shared.db.columns import JSONB
from shared.values.made_from import made_from

#: Of the row that counts events.
NO_CURRENCY: Final = ""
Said = Annotated[Mapping[str, Any], JSONB]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What one of the five found: `said` is how the API shows it. `watermark` and `taken_at` (machine clock): what its
    snapshot saw, and when."""

    check_id: str
    k: str
    taken_at: datetime
    watermark: Annotated[Mapping[str, int], JSONB]
    seconds: Decimal
    holds: bool
    breaks_total: int
    said: Said


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A check somebody asked for, and what has come of it so far. Times are of the machine clock; `by` is an actor, or
    `schedule`. `fault`: why the last attempt broke off; it is tried again."""

    check_id: str
    by: str
    state: Literal["waiting", "running", "done"]
    asked_at: datetime
    began_at: datetime | None
    done_at: datetime | None
    attempts: int
    fault: str | None
    results: tuple[ResultRow, ...] = field(default=())

    @property
    def holds(self) -> bool | None:
        """Whether all five hold; None until all are made."""
        return all(result.holds for result in self.results) if self.state == "done" else None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A row of `waiting_days`: of what waited in a place for one reason on a day, the events (no currency), or what of it is
    worth something in a currency, in minor units. `oldest` is null of days that were kept before it was."""

    day: date
    place: str
    reason: str
    owner: str
    currency: str
    amount_minor: int
    events: int
    unvalued: int
    taken_at: datetime
    oldest: date | None

    @classmethod
    def of(cls, day: date, waiting: Waiting, taken_at: datetime) -> list["WaitingRow"]:
        """One without a currency, and one for each."""
        said = (day, waiting.place.value, waiting.reason.value, waiting.owner)
        counted = cls(*said, NO_CURRENCY, 0, waiting.events, waiting.unvalued, taken_at, waiting.oldest)
        return [
            counted,
            *(
                cls(*said, value.currency.code, value.minor, 0, 0, taken_at, waiting.oldest)
                for value in waiting.value
            ),
        ]


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """A row of `waterfall_days`: a step of a currency on a day, in minor units."""

    day: date
    currency: str
    step: str
    amount_minor: int

    @classmethod
    def each(cls, day: date, waterfall: Waterfall) -> list["WaterfallRow"]:
        code = waterfall.currency.code
        return [cls(day, code, step.value, amount.minor) for step, amount in waterfall.steps.items()]


@dataclass(frozen=True, slots=True)
class AcceptanceRow:
    """A row of `suspense_acceptances`. `value`: currency → minor units."""

    acceptance_id: str
    customer: str
    type: str
    reason: str
    events: int
    value: Annotated[Mapping[str, int], JSONB]
    by: str
    because: str
    at: datetime

    @classmethod
    def of(cls, acceptance: Acceptance) -> Self:
        value = {one.currency.code: one.minor for one in acceptance.seen.value}
        return made_from(cls, acceptance, events=acceptance.seen.events, value=value)
