"""A producer that has fallen silent: many customers whose use of one event type ends within a few days have not all left."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median_low

from services.signals.domain.silence import SilenceRule, bearable_days

UseDays = Mapping[str, Sequence[date]]
"""Customer id → the days on which it used an event type, the oldest first."""


@dataclass(frozen=True, slots=True)
class ProducerRule:
    """It is the producer where at least `customers_min` customers, and at least `share` of those who used the event
    type in the `before_days` before, fall silent within `within_days`, and the `silence` of one of them is an outage by
    now: a weekend is none. It excuses them for `excused_days`; who is silent for longer is judged by itself."""

    customers_min: int
    share: float
    within_days: int
    before_days: int
    excused_days: int
    silence: SilenceRule

    def excused_until(self, last_seen_on: date) -> date:
        """The last day on which the silence is held against nobody."""
        return last_seen_on + timedelta(days=self.excused_days)


@dataclass(frozen=True, slots=True)
class ProducerSilence:
    """`last_seen_on`: the last day on which one of the silent customers was seen; `used`: how many customers there
    were to fall silent."""

    last_seen_on: date
    customers: Collection[str]
    used: int


def silent_producer(
    uses: UseDays, day: date, rule: ProducerRule, heartbeat_s: int | None = None
) -> ProducerSilence | None:
    """As `day` begins, whoever asks: only the days before it count. Silent is who has not been seen for longer than
    usually between two days of use. `heartbeat_s`: what the event type's meter declares."""
    known = {customer: days[: bisect_left(days, day)] for customer, days in uses.items()}
    silent = {customer: days[-1] for customer, days in known.items() if days and _is_overdue(days, day)}
    found = None
    for first in sorted(set(silent.values())):
        end = first + timedelta(days=rule.within_days)
        fell = {customer for customer, last in silent.items() if first <= last < end}
        if len(fell) < rule.customers_min or (found and len(fell) <= len(found.customers)):
            continue
        last = max(silent[customer] for customer in fell)
        if day > rule.excused_until(last) + timedelta(days=1):
            continue
        if not any(_is_outage(known[customer], day, rule.silence, heartbeat_s) for customer in fell):
            continue
        since = end - timedelta(days=rule.before_days)
        used = sum(bisect_left(days, end) > bisect_left(days, since) for days in known.values())
        if len(fell) >= rule.share * used:
            found = ProducerSilence(last, frozenset(fell), used)
    return found


def _is_overdue(days: Sequence[date], day: date) -> bool:
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return (day - days[-1]).days > (median_low(gaps) if gaps else 1)


def _is_outage(days: Sequence[date], day: date, rule: SilenceRule, heartbeat_s: int | None) -> bool:
    bearable = bearable_days((one.toordinal() for one in days), heartbeat_s, rule)
    return (day - days[-1]).days > bearable
