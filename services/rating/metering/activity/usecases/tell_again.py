"""Tell days again, as they are now: of subjects that mean another customer, of meters that were counted anew,
and for whoever lost what was told."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.activity.domain import Takers
from services.rating.metering.activity.repository import ActivityRepository, HourSeen, NamedDay
from services.rating.metering.activity.usecases.know_takers import know_takers
from services.rating.metering.activity.usecases.tell import tell, values_of
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.hours import day_of, first_hour_of
from services.rating.metering.domain.tally import HOUR_US
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import to_us
from shared.topics.rating import ActiveHour, DayValues
from shared.values.decimals import plain

Newest = Mapping[NamedDay, datetime]
"""Subject, UTC day and meter → the newest event's time."""


async def tell_again(uow: UnitOfWork, days_max: int, revision: int) -> int:
    """Tell up to so many days of subjects, of those first that were asked for first; return how many days and
    subjects were done with. The epoch must be held."""
    activity = ActivityRepository(uow.connection)
    days, passed = await _take(activity, days_max)
    if not days:
        return passed
    since = await NamesRepository(uow.connection).readable()
    takers = await know_takers(uow, await CatalogueRepository(uow.connection).meters(), since)
    asked = [(subject, day, event_type) for subject, day in days for event_type in await activity.types()]
    newest: dict[NamedDay, datetime] = {}
    for (subject, day, event_type), at in (await activity.last_seen(asked)).items():
        newest |= {(subject, day, meter): at for meter in takers.of(event_type)}
    hours, values = await _hours(activity, newest, takers), await _values(activity, newest, takers)
    await tell(uow, hours, values, revision)
    return passed


async def _take(activity: ActivityRepository, days_max: int) -> tuple[list[tuple[str, date]], int]:
    """The (subject, UTC day) to tell, which are passed with that, and how many days and subjects are."""
    taken: list[tuple[str, date]] = []
    done: list[str] = []
    for subject, days in await activity.next_days(days_max):
        share = days[: days_max - len(taken)]
        taken += [(subject, day) for day in share]
        if len(share) == len(days) < days_max:
            done.append(subject)
        elif share:
            await activity.passed(subject, share[-1])
    if done:
        await activity.done(done)
    return taken, len(taken) + len(done)


async def _hours(activity: ActivityRepository, newest: Newest, takers: Takers) -> dict[str, list[ActiveHour]]:
    """The hours of these days with usage, and the last one with an event, which a meter's filter may have left
    out: its time is told."""
    found: dict[tuple[str, str, int], tuple[int, Decimal]] = {}
    for (subject, _, meter), at in newest.items():
        found[subject, meter, to_us(at) // HOUR_US] = (0, Decimal(0))
    for seen in await _seen(activity, newest, takers):
        found[seen.subject, seen.meter, first_hour_of(seen.day) + seen.hour] = (seen.events, seen.value)
    told: dict[str, list[ActiveHour]] = {}
    for (subject, meter, hour), (events, value) in sorted(found.items()):
        newest_us = to_us(newest[subject, day_of(hour), meter])
        told.setdefault(subject, []).append(
            ActiveHour(meter, hour * HOUR_US, events, plain(value), newest_us)
        )
    return told


async def _seen(activity: ActivityRepository, newest: Newest, takers: Takers) -> list[HourSeen]:
    """The hours of these days with usage, each read as its meter's aggregation keeps them."""
    sums: list[NamedDay] = []
    items: dict[OverItems, list[NamedDay]] = {}
    for day in newest:
        aggregation = takers.over_items.get(day[2])
        (sums if aggregation is None else items.setdefault(aggregation, [])).append(day)
    found = await activity.hours_of_sums(sums)
    for aggregation, days in items.items():
        found += await activity.hours_of_items(aggregation, days)
    return found


async def _values(activity: ActivityRepository, newest: Newest, takers: Takers) -> dict[str, list[DayValues]]:
    asked = sorted(day for day in newest if day[2] in takers.with_role)
    items = await activity.items(asked) if asked else {}
    told: dict[str, list[DayValues]] = {}
    for subject, day, meter in asked:
        values = values_of(items.get((subject, day, meter), ()))
        seen = DayValues(meter, day.isoformat(), values, to_us(newest[subject, day, meter]))
        told.setdefault(subject, []).append(seen)
    return told
