"""Hear activity: keep the newest of each key, fold what it changes, and tell usage that nobody accounts
for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from services.signals.context import SignalsContext
from services.signals.domain.active_day import NOTHING, ActiveDay, DayKey, Hours
from services.signals.domain.customer_day import UNMATCHED
from services.signals.domain.fact import Fact
from services.signals.facts.usecases.tell import Told, tell
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.repository.replica import ReplicaRepository
from services.signals.replica.usecases.fold import Change, fold
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import ActivityMessage

Known = Mapping[DayKey, ActiveDay]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A day as it is known now, and the last message that said something new of it."""

    day: ActiveDay
    message: ActivityMessage


async def hear_activity(
    batch: Batch[ActivityMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    activity = ActivityRepository(uow.connection)
    await activity.lock()
    known = await activity.known(sorted({_key(message) for message in batch.messages}))
    heard, new = _heard(batch.messages, known)
    days = [one.day for one in heard]
    zones = await ReplicaRepository(uow.connection).timezones(_customers(days, known))
    await fold(activity, list(_changes(days, known, zones)))
    await activity.store(days, [day.customer_id in zones for day in days])
    unmatched = [
        _unmatched(one)
        for one in heard
        if one.day.events and (one.day.customer_id is None or one.day.meter.startswith(UNMATCHED))
    ]
    await tell(uow, unmatched, context.clock.now())
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


def _heard(messages: Sequence[ActivityMessage], known: Known) -> tuple[list[_Heard], int]:
    """The days of which something new is said, and how many messages say it."""
    heard: dict[DayKey, _Heard] = {}
    new = 0
    for message in sorted(messages, key=lambda message: message.revision):
        key = _key(message)
        before = heard[key].day if key in heard else known.get(key) or ActiveDay(*key)
        if (now := before.hearing(message)) is not before:
            heard[key] = _Heard(now, message)
            new += 1
    return list(heard.values()), new


def _customers(days: Sequence[ActiveDay], known: Known) -> list[str]:
    before = {known[day.key].customer_id for day in days if day.key in known}
    return sorted(customer for customer in {day.customer_id for day in days} | before if customer is not None)


def _changes(days: Sequence[ActiveDay], known: Known, zones: Mapping[str, str]) -> Iterator[Change]:
    """A subject that became another customer's is taken from the one and given to the other."""
    for day in days:
        before = known.get(day.key)
        theirs = before.customer_id if before is not None and before.folded else None
        folded = before.hours if before is not None and theirs == day.customer_id else NOTHING
        if before is not None and theirs is not None and theirs in zones and theirs != day.customer_id:
            yield _change(theirs, zones, day, before.hours, NOTHING)
        if day.customer_id is not None and day.customer_id in zones:
            yield _change(day.customer_id, zones, day, folded, day.hours)


def _change(customer_id: str, zones: Mapping[str, str], day: ActiveDay, before: Hours, now: Hours) -> Change:
    return Change(customer_id, zones[customer_id], day.meter, day.day, before, now, day.last_seen_us)


def _key(message: ActivityMessage) -> DayKey:
    return message.subject, message.meter, date.fromisoformat(message.day)


def _unmatched(heard: _Heard) -> Told:
    """One fact a customer or subject, type or meter, and day."""
    day, message = heard.day, heard.message
    who = message.customer or message.subject
    data = {
        "subject": day.subject,
        "meter": day.meter,
        "day": message.day,
        "events": day.events,
        "why": "no customer has this subject"
        if day.customer_id is None
        else "no meter takes this event type",
    }
    fact = Fact("usage.unmatched", (who, day.meter, message.day), day.day, data)
    return Told(day.customer_id or "", who, from_us(day.last_seen_us).astimezone(UTC), fact)


async def begin_again(uow: UnitOfWork, customer_ids: Sequence[str]) -> None:
    """Roll up anew what these customers did, for example because they moved to another time zone;
    `fold_waiting` does the work."""
    if customer_ids:
        activity = ActivityRepository(uow.connection)
        await activity.lock()
        await activity.forget_rollups(customer_ids)


async def fold_waiting(uow: UnitOfWork, limit: int) -> int:
    """Fold activity that came before its customer was heard of, or whose customer moved to another time zone;
    return how much."""
    activity = ActivityRepository(uow.connection)
    await activity.lock()
    days = await activity.waiting(limit)
    if days:
        zones = await ReplicaRepository(uow.connection).timezones(
            sorted({str(day.customer_id) for day in days})
        )
        changes = [_change(str(day.customer_id), zones, day, NOTHING, day.hours) for day in days]
        await fold(activity, changes)
        await activity.note_folded(days)
    return len(days)
