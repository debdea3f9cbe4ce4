"""How long a meter may be quiet before its silence is an outage: longer than its producer promised, or than
it ever is by habit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from services.signals.domain.rollup import Rollup

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Silence:
    """The whole local days without an event before `day`, and how many are bearable."""

    last_seen_on: date
    days: int
    bearable_days: int

    @property
    def is_outage(self) -> bool:
        return self.days >= self.bearable_days


Silences = Mapping[str, Silence]
"""Meter → its silence."""


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """`habit_times` the usual gap between active days, and between `days_min` and `days_max`."""

    days_min: int
    days_max: int
    habit_times: int


def silence(rollup: Rollup, day: date, heartbeat_s: int | None, rule: SilenceRule) -> Silence | None:
    """Return the silence as `day` begins; None for a meter that never spoke."""
    last = rollup.last_day_before(day)
    if last is None:
        return None
    end = min((last - rollup.days_from).days + 1, len(rollup.days))
    active = [index for index in range(max(end, 0)) if rollup.days[index]]
    return Silence(last, (day - last).days - 1, bearable_days(active, heartbeat_s, rule))


def bearable_days(active: Iterable[int], heartbeat_s: int | None, rule: SilenceRule) -> int:
    """How many whole days without an event are bearable; `active` numbers the days with one, the oldest first."""
    if heartbeat_s:
        return max(-(-heartbeat_s // SECONDS_A_DAY), 1)
    gaps = sorted(later - earlier for earlier, later in pairwise(active))
    usual = gaps[len(gaps) // 2] if gaps else 1
    return max(min(max(usual * rule.habit_times, rule.days_min), rule.days_max), 1)
