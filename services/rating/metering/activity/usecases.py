"""Tell what subjects did on the days that were touched."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.activity.repository import ActivityRepository, Due, HourSeen, Measured
from services.rating.metering.domain.aggregations.aggregation import OverItems
from shared.db.unit_of_work import Database, UnitOfWork
from shared.runtime.clock import machine_us, to_us
from shared.topics.rating import ACTIVITY, ActivityMessage
from shared.values.decimals import plain

COLLECT_MAX = 50_000
VALUES_MAX = 1000
POLL_S = 0.01
UNMATCHED = "type:"


@dataclass(slots=True)
class _Day:
    """What is known of one subject, day and meter."""

    hours: dict[str, tuple[int, str]] = field(default_factory=dict)
    last_seen_us: int = 0
    values: tuple[str, ...] = ()


async def tell_activity(db: Database, told_max: int) -> int:
    """Tell what was touched: up to `told_max` of subject, day and event type, longest waiting first; return
    how many. The rest waits."""
    async with db.transaction() as uow:
        await ActivityRepository(uow.connection).collect(COLLECT_MAX)
    async with db.transaction() as uow:
        activity = ActivityRepository(uow.connection)
        due = await activity.claim(told_max)
        if due:
            await _tell(uow, activity, due)
    return len(due)


async def tell_all_activity(db: Database, told_max: int) -> int:
    """Tell everything metered until now, and return when it is on the bus: how much (subject, day and type)
    this call itself told."""
    while await _collect(db) == COLLECT_MAX:
        pass
    moment, told = await _others_done(db), 0
    while await _waits(db, moment):
        count = await tell_activity(db, told_max)
        told += count
        await asyncio.sleep(0 if count else POLL_S)
    moment = await _others_done(db)
    while await _on_its_way(db, moment):
        await asyncio.sleep(POLL_S)
    return told


async def _collect(db: Database) -> int:
    async with db.transaction() as uow:
        return await ActivityRepository(uow.connection).collect(COLLECT_MAX)


async def _others_done(db: Database) -> datetime:
    async with db.transaction() as uow:
        return await ActivityRepository(uow.connection).wait_for_others()


async def _waits(db: Database, moment: datetime) -> bool:
    async with db.transaction() as uow:
        return await ActivityRepository(uow.connection).waits(moment)


async def _on_its_way(db: Database, moment: datetime) -> bool:
    async with db.transaction() as uow:
        return await ActivityRepository(uow.connection).on_its_way(ACTIVITY.name, moment)


async def _tell(uow: UnitOfWork, activity: ActivityRepository, due: list[Due]) -> None:
    meters = await CatalogueRepository(uow.connection).meters()
    days = await _days(activity, due, meters)
    customers = await activity.customers(sorted({subject for subject, _, _ in due}))
    revision = machine_us()
    for (subject, day, meter), seen in sorted(days.items()):
        customer_id, customer = customers.get(subject, (None, None))
        uow.tell(
            ACTIVITY,
            ActivityMessage(
                subject,
                meter,
                day.isoformat(),
                revision,
                seen.hours,
                customer_id,
                customer,
                seen.last_seen_us,
                seen.values,
            ),
        )


async def _days(
    activity: ActivityRepository, due: list[Due], meters: Sequence[Meter]
) -> dict[Measured, _Day]:
    """Every meter that takes such an event (also when all of that day is void now), or the type itself where
    none does."""
    takers = _takers(meters)
    found: dict[Measured, _Day] = {}
    for (subject, day, event_type), at in (await activity.last_seen(due)).items():
        for meter in takers.get(event_type, (UNMATCHED + event_type,)):
            found[subject, day, meter] = _Day(last_seen_us=to_us(at))
    for hour in await _hours(activity, found.keys(), meters):
        if hour.events:
            found[hour.subject, hour.day, hour.meter].hours[str(hour.hour)] = (hour.events, plain(hour.value))
    people = {meter.meter for meter in meters if meter.role and isinstance(meter.aggregation, OverItems)}
    if asked := [key for key in found if key[2] in people]:
        for key, items in (await activity.items(asked)).items():
            found[key].values = tuple(
                hashlib.sha256(item.encode()).hexdigest()[:16] for item in sorted(items)[:VALUES_MAX]
            )
    return found


async def _hours(
    activity: ActivityRepository, asked: Iterable[Measured], meters: Sequence[Meter]
) -> list[HourSeen]:
    """The hours of these days with usage, each read as its meter's aggregation keeps them."""
    over_items = {m.meter: m.aggregation for m in meters if isinstance(m.aggregation, OverItems)}
    sums: list[Measured] = []
    items: dict[OverItems, list[Measured]] = {}
    for key in asked:
        aggregation = over_items.get(key[2])
        (sums if aggregation is None else items.setdefault(aggregation, [])).append(key)
    found = await activity.hours_of_sums(sums)
    for aggregation, keys in items.items():
        found += await activity.hours_of_items(aggregation, keys)
    return found


def _takers(meters: Sequence[Meter]) -> dict[str, list[str]]:
    """Event type → the meters that take it."""
    takers: dict[str, list[str]] = {}
    for meter in meters:
        takers.setdefault(meter.event_type, []).append(meter.meter)
    return takers
