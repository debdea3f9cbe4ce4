"""Fold activity into the roll-ups of its customers, by the local days they live in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.signals.domain.active_day import Hour, Hours
from services.signals.domain.rollup import fresh
from services.signals.replica.repository.activity import ActivityRepository
from shared.runtime.turns import in_turns

NO_HOUR = Hour(0, "0", 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What changes for one customer: the hours that were folded before, and those that count now."""

    customer_id: str
    timezone: str
    meter: str
    day: date  # UTC
    before: Hours
    now: Hours
    last_seen_us: int


async def fold(activity: ActivityRepository, changes: Sequence[Change]) -> None:
    """Add the differences to the roll-ups. The caller holds `ActivityRepository.lock`."""
    rollups = await activity.rollups(sorted({(change.customer_id, change.meter) for change in changes}))
    async for change in in_turns(changes):
        key = (change.customer_id, change.meter)
        for day, events, value in _differences(change):
            if key not in rollups:
                rollups[key] = fresh(change.meter, day)
            rollups[key].add(day, events, value)
        if key in rollups and any(hour.events for hour in change.now.values()):
            rollups[key].last_seen_us = max(rollups[key].last_seen_us, change.last_seen_us)
    await activity.store_rollups(rollups)


def _differences(change: Change) -> Iterable[tuple[date, int, Decimal]]:
    """By local day: how many events and how much value came or went."""
    midnight, zone = datetime.combine(change.day, time(), UTC), ZoneInfo(change.timezone)
    found: dict[date, tuple[int, Decimal]] = {}
    for name in sorted(change.before.keys() | change.now.keys(), key=int):
        before, now = change.before.get(name, NO_HOUR), change.now.get(name, NO_HOUR)
        if before == now:
            continue
        day = (midnight + timedelta(hours=int(name))).astimezone(zone).date()
        events, value = found.get(day, (0, Decimal()))
        found[day] = (
            events + now.events - before.events,
            value + Decimal(now.value) - Decimal(before.value),
        )
    return [(day, events, value) for day, (events, value) in sorted(found.items()) if events or value]
