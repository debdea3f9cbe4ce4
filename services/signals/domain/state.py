"""What evaluations leave for the next day: latched states, what was told, and what was counted when a term
began.

It is stored as one document with its version. One without a version was stored before there were versions; it
has the shape of version 1.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from services.signals.domain.activation import ActivationState
from services.signals.domain.trend import TrendState
from services.signals.domain.unheard import Stretches
from shared.errors import AppError, Kind

VERSION: Final = 1


class StateUnreadable(AppError):
    """An evaluation left what this signals does not understand."""

    kind = Kind.UNAVAILABLE


Totals = Mapping[date, Mapping[str, Decimal]]
"""A start of the contract or of one of its terms → meter → what it had counted before."""


class MonthSix(msgspec.Struct, frozen=True, omit_defaults=True):
    """The trend from the start of a term to its month six, as it was then."""

    started: date
    on: date
    trend: TrendState
    weeks: int
    change: Decimal | None = None
    early_week: Decimal | None = None
    late_week: Decimal | None = None
    within_chance: bool = False


class UseDays(msgspec.Struct, frozen=True, omit_defaults=True):
    """So many days of use from the first one to before `until`, and so many on which nobody could be heard."""

    first_on: date
    until: date
    days: int = 0
    unheard: int = 0


class ContractState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part that belongs to one contract."""

    totals: Totals = {}
    #: Milestone → the day on which it was first seen reached.
    milestones: Mapping[str, date] = {}
    activation: ActivationState = ActivationState.OPEN
    #: The keys of the facts of thresholds that are passed.
    thresholds: tuple[tuple[str, ...], ...] = ()
    at_risk: bool = False
    #: How often it came to be at risk.
    episodes: int = 0
    #: What was told of the running term: `<end>:<notice step>` and `<end>:risk:<episode>`.
    told: tuple[str, ...] = ()
    term_end: date | None = None
    #: Whether it was said that the last term ended without a next one.
    over: bool = False


class CustomerState(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="version", tag=VERSION):
    """The state of one customer. Before the first evaluation it says since when the customer is known."""

    #: The first local day that was ever evaluated; None for who was evaluated before this was kept.
    known_on: date | None = None
    #: The first day with use.
    first_on: date | None = None
    #: The last trend that was known.
    trend: TrendState = TrendState.STEADY
    #: Whether it was known on the last day.
    trend_known: bool = False
    #: Whether the customer as a whole is at risk; None for who was evaluated before this was kept.
    at_risk: bool | None = None
    #: Meter → the last day it was seen, while its silence is an outage.
    silent: Mapping[str, date] = {}
    #: Whether the most active users have gone quiet.
    users_quiet: bool = False
    month_six: MonthSix | None = None
    #: The days of use that are settled.
    use_days: UseDays | None = None
    #: The silences of producers that were lived through, as far back as use is compared.
    unheard: Stretches = {}
    contracts: Mapping[str, ContractState] = {}

    @property
    def told_at_risk(self) -> bool:
        """Whether it was told that the customer is at risk: of who was evaluated before that had a fact of its own, by the
        renewal of a contract."""
        if self.at_risk is not None:
            return self.at_risk
        return any(
            f"{one.term_end}:risk:{one.episodes}" in one.told
            for one in self.contracts.values()
            if one.at_risk
        )


def read_state(stored: Mapping[str, object]) -> CustomerState | None:
    """Return the state as stored, of today's version or without one; None where nothing was evaluated yet.

    Raises StateUnreadable, also for a version this program does not know.
    """
    try:
        return msgspec.convert(stored, CustomerState) if stored else None
    except msgspec.ValidationError as fault:
        raise StateUnreadable(
            f"its last evaluation left a state that this signals does not understand: {fault}; run signals in the "
            "version that evaluated it"
        ) from fault
