"""Hear activity: keep the newest of each key, fold what it changes, and tell usage that nobody accounts
for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date

from services.signals.context import SignalsContext
from services.signals.domain.customer_day import UNMATCHED
from services.signals.domain.fact import Fact
from services.signals.facts.usecases.tell import Told, tell
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.repository.replica import ReplicaRepository
from services.signals.replica.rows import ActivityRow
from services.signals.replica.usecases.fold import NOTHING, Change, fold
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import ActivityMessage

Known = Mapping[tuple[str, str, date], ActivityRow]


async def hear_activity(
    batch: Batch[ActivityMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    activity = ActivityRepository(uow.connection)
    await activity.lock()
    newest = {(m.subject, m.meter, m.day): m for m in sorted(batch.messages, key=lambda m: m.revision)}
    known = await activity.known(list(newest.values()))
    newer = [m for m in newest.values() if (row := known.get(_key(m))) is None or row.revision < m.revision]
    zones = await ReplicaRepository(uow.connection).timezones(_customers(newer, known))
    await fold(activity, list(_changes(newer, known, zones)))
    await activity.store(newer, [m.customer_id in zones for m in newer])
    await tell(
        uow,
        [
            _unmatched(m)
            for m in newer
            if m.hours and (m.customer_id is None or m.meter.startswith(UNMATCHED))
        ],
        context.clock.now(),
    )
    return BatchCounts(new=len(newer), duplicate=len(batch.messages) - len(newer))


def _customers(messages: Sequence[ActivityMessage], known: Known) -> list[str]:
    before = {row.customer_id for m in messages if (row := known.get(_key(m))) is not None}
    return sorted(customer for customer in {m.customer_id for m in messages} | before if customer is not None)


def _changes(messages: Sequence[ActivityMessage], known: Known, zones: Mapping[str, str]) -> Iterator[Change]:
    """A subject that became another customer's is taken from the one and given to the other."""
    for message in messages:
        row, day, seen = (
            known.get(_key(message)),
            date.fromisoformat(message.day),
            from_us(message.last_seen_us),
        )
        folded = row if row is not None and row.folded and row.customer_id in zones else None
        same = folded is not None and folded.customer_id == message.customer_id
        if folded is not None and folded.customer_id is not None and not same:
            yield Change(
                folded.customer_id, zones[folded.customer_id], message.meter, day, folded.hours, NOTHING, seen
            )
        if message.customer_id is not None and message.customer_id in zones:
            before = folded.hours if same and folded is not None else NOTHING
            yield Change(
                message.customer_id,
                zones[message.customer_id],
                message.meter,
                day,
                before,
                message.hours,
                seen,
            )


def _key(message: ActivityMessage) -> tuple[str, str, date]:
    return message.subject, message.meter, date.fromisoformat(message.day)


def _unmatched(message: ActivityMessage) -> Told:
    """One fact a customer or subject, type or meter, and day."""
    who = message.customer or message.subject
    events = sum(count for count, _ in message.hours.values())
    data = {
        "subject": message.subject,
        "meter": message.meter,
        "day": message.day,
        "events": events,
        "why": "no customer has this subject"
        if message.customer_id is None
        else "no meter takes this event type",
    }
    fact = Fact("usage.unmatched", (who, message.meter, message.day), date.fromisoformat(message.day), data)
    return Told(message.customer_id or "", who, from_us(message.last_seen_us).astimezone(UTC), fact)


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
    rows = await activity.waiting(limit)
    if rows:
        zones = await ReplicaRepository(uow.connection).timezones(
            sorted({str(row.customer_id) for row in rows})
        )
        await fold(
            activity,
            [
                Change(
                    str(row.customer_id),
                    zones[str(row.customer_id)],
                    row.meter,
                    row.day,
                    NOTHING,
                    row.hours,
                    row.last_seen_at,
                )
                for row in rows
            ],
        )
        await activity.note_folded(rows)
    return len(rows)
