"""Fold activity into the roll-ups of its customers, by the local days they live in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.signals.domain.rollup import fresh
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.rows import Hours
from shared.runtime.clock import to_us

NOTHING: Hours = {}


@dataclass(frozen=True, slots=True)
class Change:
    """What a newer snapshot changes for one customer: the hours that were folded before, and those that count
    now."""

    customer_id: str
    timezone: str
    meter: str
    day: date  # UTC
    before: Hours
    now: Hours
    last_seen_at: datetime


async def fold(activity: ActivityRepository, changes: Sequence[Change]) -> None:
    """Add the differences to the roll-ups. The caller holds `ActivityRepository.lock`."""
    rollups = await activity.rollups(sorted({(change.customer_id, change.meter) for change in changes}))
    for change in changes:
        key = (change.customer_id, change.meter)
        for day, events, value in _differences(change):
            if key not in rollups:
                rollups[key] = fresh(change.meter, day)
            rollups[key].add(day, events, value)
        if key in rollups and change.now:
            rollups[key].last_seen_us = max(rollups[key].last_seen_us, to_us(change.last_seen_at))
    await activity.store_rollups(rollups)


def _differences(change: Change) -> Iterable[tuple[date, int, Decimal]]:
    """By local day: how many events and how much value came or went."""
    midnight, zone = datetime.combine(change.day, time(), UTC), ZoneInfo(change.timezone)
    found: dict[date, tuple[int, Decimal]] = {}
    for hour in sorted(change.before.keys() | change.now.keys(), key=int):
        (old_events, old), (new_events, new) = (
            change.before.get(hour, (0, "0")),
            change.now.get(hour, (0, "0")),
        )
        day = (midnight + timedelta(hours=int(hour))).astimezone(zone).date()
        events, value = found.get(day, (0, Decimal()))
        found[day] = (events + new_events - old_events, value + Decimal(new) - Decimal(old))
    return [(day, events, value) for day, (events, value) in sorted(found.items()) if events or value]
