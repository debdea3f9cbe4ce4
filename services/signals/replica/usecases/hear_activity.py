"""Hear activity: keep the newest of each hour, and of the values of each day, and tell usage that nobody accounts
for. The roll-ups take it in before they are read, once for however many times an hour was said."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date
from functools import partial
from typing import NamedTuple

from services.signals.context import SignalsContext
from services.signals.domain.active_day import ActiveDay, DayKey, Hour, Hours, Whose
from services.signals.domain.customer_day import UNMATCHED
from services.signals.domain.fact import Fact
from services.signals.facts.usecases.tell import Told, tell
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.repository.replica import ReplicaRepository
from services.signals.replica.usecases.fold import Change, fold
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import ActiveHoursMessage, ActivityMessage
from shared.values.instants import from_us

HOUR_US, DAY_HOURS = 3_600_000_000, 24
EPOCH = date(1970, 1, 1).toordinal()
NOTHING: Hours = {}


class _Said(NamedTuple):
    """What one message says of one day. `hear` takes it in, and answers whether it is new."""

    message: int
    key: DayKey
    customer: str | None  # external id
    hear: Callable[[ActiveDay], bool]


class _Heard(NamedTuple):
    """A day of which something new was said, and the customer by which that was said."""

    day: ActiveDay
    customer: str | None


async def hear_active_hours(
    batch: Batch[ActiveHoursMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    return await _hear(list(_of_hours(batch.messages)), len(batch.messages), uow, context)


async def hear_activity(
    batch: Batch[ActivityMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    """What was said of whole days, before hours were told."""
    return await _hear(list(_of_days(batch.messages)), len(batch.messages), uow, context)


def _of_hours(messages: Sequence[ActiveHoursMessage]) -> Iterator[_Said]:
    for number, message in enumerate(messages):
        revision = message.revision
        for told in message.subjects:
            for hour in told.hours:
                day, of_day = divmod(hour.start_us // HOUR_US, DAY_HOURS)
                hear = partial(
                    ActiveDay.hear_hour,
                    name=str(of_day),
                    hour=Hour(hour.events, hour.value, revision),
                    whose=Whose(told.customer_id, hour.last_seen_us),
                )
                key = (told.subject, hour.meter, date.fromordinal(EPOCH + day))
                yield _Said(number, key, told.customer, hear)
            for seen in told.days:
                hear = partial(
                    ActiveDay.hear_values,
                    values=seen.values,
                    revision=revision,
                    whose=Whose(told.customer_id, seen.last_seen_us),
                )
                key = (told.subject, seen.meter, date.fromisoformat(seen.day))
                yield _Said(number, key, told.customer, hear)


def _of_days(messages: Sequence[ActivityMessage]) -> Iterator[_Said]:
    for number, message in enumerate(messages):
        whose = Whose(message.customer_id, message.last_seen_us)
        key = (message.subject, message.meter, date.fromisoformat(message.day))
        values, revision = message.values, message.revision
        hear = partial(ActiveDay.hear_values, values=values, revision=revision, whose=whose)
        yield _Said(number, key, message.customer, hear)
        hear = partial(ActiveDay.hear_day, hours=message.hours, revision=revision, whose=whose)
        yield _Said(number, key, message.customer, hear)


async def _hear(
    said: Sequence[_Said], messages: int, uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    activity = ActivityRepository(uow.connection)
    await activity.lock()
    known = await activity.known(list({one.key for one in said}))
    heard, new = _take(said, known)
    await activity.store([one.day for one in heard])
    unmatched = [
        _unmatched(one)
        for one in heard
        if (one.day.customer_id is None or one.day.meter.startswith(UNMATCHED)) and one.day.events
    ]
    await tell(uow, unmatched, context.clock.now())
    return BatchCounts(new=new, duplicate=messages - new)


def _take(said: Sequence[_Said], known: dict[DayKey, ActiveDay]) -> tuple[list[_Heard], int]:
    """The days of which something new is said, and how many messages say something new."""
    heard: dict[DayKey, _Heard] = {}
    new: set[int] = set()
    for one in said:
        day = known.get(one.key)
        if day is None:
            day = known[one.key] = ActiveDay(*one.key)
        if one.hear(day):
            heard[one.key] = _Heard(day, one.customer)
            new.add(one.message)
    return list(heard.values()), len(new)


def _unmatched(heard: _Heard) -> Told:
    """One fact a customer or subject, type or meter, and day."""
    day, who = heard.day, heard.customer or heard.day.subject
    data = {
        "subject": day.subject,
        "meter": day.meter,
        "day": day.day.isoformat(),
        "events": day.events,
        "why": "no customer has this subject"
        if day.customer_id is None
        else "no meter takes this event type",
    }
    fact = Fact("usage.unmatched", (who, day.meter, day.day.isoformat()), day.day, data)
    return Told(day.customer_id or "", who, from_us(day.last_seen_us).astimezone(UTC), fact)


async def begin_again(uow: UnitOfWork, customer_ids: Sequence[str]) -> None:
    """Roll up anew what these customers did, for example because they moved to another time zone;
    `fold_waiting` does the work."""
    if customer_ids:
        activity = ActivityRepository(uow.connection)
        await activity.lock()
        await activity.forget_rollups(customer_ids)


async def fold_waiting(uow: UnitOfWork, limit: int) -> int:
    """Fold days into the roll-ups that these do not have as they are, as far as their customers are heard of;
    return how many. Who reads roll-ups folds first."""
    activity = ActivityRepository(uow.connection)
    await activity.lock()
    days = await activity.waiting(limit)
    if days:
        asked = {day.customer_id for day in days} | {day.rolled_customer_id for day in days}
        customers = sorted(customer for customer in asked if customer is not None)
        zones = await ReplicaRepository(uow.connection).timezones(customers)
        await fold(activity, list(_changes(days, zones)))
        await activity.note_folded(days, [day.customer_id in zones for day in days])
    return len(days)


def _changes(days: Sequence[ActiveDay], zones: Mapping[str, str]) -> Iterator[Change]:
    """A subject that became another customer's is taken from the one and given to the other."""
    for day in days:
        before, theirs, now = day.rolled_hours or NOTHING, day.rolled_customer_id, day.customer_id
        if theirs is not None and theirs in zones and theirs != now:
            yield _change(theirs, zones, day, before, NOTHING)
        if now is not None and now in zones:
            yield _change(now, zones, day, before if theirs == now else NOTHING, day.hours)


def _change(customer_id: str, zones: Mapping[str, str], day: ActiveDay, before: Hours, now: Hours) -> Change:
    return Change(customer_id, zones[customer_id], day.meter, day.day, before, now, day.last_seen_us)
