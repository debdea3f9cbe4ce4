"""How long a meter may be quiet before its silence is an outage: longer than its producer promised, or than
it ever is by habit."""

from collections.abc import Mapping
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
    bearable = -(-heartbeat_s // SECONDS_A_DAY) if heartbeat_s else _habit(rollup, last, rule)
    return Silence(last, (day - last).days - 1, max(bearable, 1))


def _habit(rollup: Rollup, last: date, rule: SilenceRule) -> int:
    end = min((last - rollup.days_from).days + 1, len(rollup.days))
    active = [index for index in range(max(end, 0)) if rollup.days[index]]
    gaps = sorted(later - earlier for earlier, later in pairwise(active))
    usual = gaps[len(gaps) // 2] if gaps else 1
    return min(max(usual * rule.habit_times, rule.days_min), rule.days_max)
