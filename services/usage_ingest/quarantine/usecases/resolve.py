"""Resolving quarantined events: replay with today's catalogue, repair with another body, or discard with a
reason.

An event is published before it is marked resolved, so a crash between the two leaves it open, and replaying
it again counts once: metering knows its source and id.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self

from services.usage_ingest.domain.acceptance import Acceptance, accept
from services.usage_ingest.domain.events import Circumstances
from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.door.usecases.accept import circumstances, publish_all
from services.usage_ingest.keys.usecases.refuse_foreign_sources import refuse_foreign_source
from services.usage_ingest.quarantine.repository import QuarantineRepository
from services.usage_ingest.quarantine.rows import QuarantinedBytes, QuarantinedEvent, Resolution
from services.usage_ingest.quarantine.usecases.find import find
from services.usage_ingest.quarantine.usecases.walk_open import Some, Walked, walk_open
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.http.keys import AccessKey
from shared.runtime.clock import machine_now


class AlreadyResolved(AppError):
    """This event has left the quarantine."""

    kind = Kind.CONFLICT


class RepairRefused(AppError):
    """The corrected body would be quarantined again, so nothing was changed."""


#: An event before and after a change, without its bytes.
Resolved = tuple[QuarantinedEvent, QuarantinedEvent]
#: Called in the transaction of each change.
Noted = Callable[[UnitOfWork, Sequence[Resolved]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Resolver:
    """Who resolves: by which key, in whose name, in which request (its trace); and who is told of each change."""

    key: AccessKey
    actor: str
    trace: str
    noted: Noted


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a bulk replay did, or would do. `after`: the last event judged."""

    replayed: int
    still_open: int
    more: bool
    after: str

    @classmethod
    def of(cls, walked: Walked) -> Self:
        """Of a walk that counted what stays open."""
        return cls(walked.looked_at - walked.counted, walked.counted, walked.more, walked.after)


async def replay_one(context: DoorContext, quarantine_id: str, by: Resolver) -> QuarantinedBytes:
    """Judge the event again. Returns its row: replayed, or still open with today's code. Replaying a replayed
    one changes nothing."""
    row = await find_alone(context, quarantine_id)
    refuse_foreign_source(by.key, row.source)
    if row.status != "replayed":
        refuse_resolved(row)
        await _replay(context, [row], by)
    return await find_alone(context, quarantine_id)


async def replay_all(context: DoorContext, some: Some, by: Resolver) -> Replayed:
    """Judge these open events again, and count what is in order now."""
    walked = await walk_open(context, some, lambda rows: _replay(context, rows, by))
    return Replayed.of(walked)


async def discard_all(context: DoorContext, some: Some, reason: str, by: Resolver) -> Walked:
    """Close these open events without counting them; the reason stays with each."""
    discarded = Resolution("discarded", machine_now(), by.actor, resolution=reason)

    async def close(rows: list[QuarantinedBytes]) -> int:
        async with context.db.transaction() as uow:
            quarantine = QuarantineRepository(uow.connection)
            before = await quarantine.hold_open([row.quarantine_id for row in rows])
            held = [row.quarantine_id for row in before]
            await _note(uow, by, before, await quarantine.resolve(held, discarded))
        return len(before)

    return await walk_open(context, some, close)


async def repair(context: DoorContext, quarantine_id: str, event: bytes, by: Resolver) -> QuarantinedBytes:
    """Publish a corrected body in the event's place. The bytes that came are kept beside it."""
    row = await find_alone(context, quarantine_id)
    refuse_foreign_source(by.key, row.source)
    refuse_resolved(row)
    judged_by, acceptance = circumstances(context, by.trace), Acceptance()
    accept([event], judged_by, acceptance)
    if acceptance.quarantined:
        fault = acceptance.quarantined[0]
        raise RepairRefused(
            f"{fault.code}: {fault.detail}",
            errors=[{"pointer": "/event", "code": fault.code, "detail": fault.detail}],
        )
    async with context.db.transaction() as uow:
        quarantine = QuarantineRepository(uow.connection)
        before = await quarantine.hold_open([quarantine_id])
        if not before:
            refuse_resolved(await find(uow, quarantine_id))
        # Held meanwhile: two repairs differ, and each would count.
        await publish_all(context, by.key, acceptance, judged_by)
        repaired = Resolution("repaired", machine_now(), by.actor, repaired=event)
        await _note(uow, by, before, await quarantine.resolve([quarantine_id], repaired))
    return await find_alone(context, quarantine_id)


async def discard(
    uow: UnitOfWork, quarantine_id: str, reason: str, by: AccessKey, actor: str
) -> tuple[QuarantinedBytes, QuarantinedBytes]:
    """Close the event without counting it, for a reason that stays with it. Returns it before and after."""
    row = await find(uow, quarantine_id)
    refuse_foreign_source(by, row.source)
    refuse_resolved(row)
    discarded = Resolution("discarded", machine_now(), actor, resolution=reason)
    if not await QuarantineRepository(uow.connection).resolve([quarantine_id], discarded):
        # closed by another call since it was looked for
        refuse_resolved(await find(uow, quarantine_id))
    return row, await find(uow, quarantine_id)


async def find_alone(context: DoorContext, quarantine_id: str) -> QuarantinedBytes:
    """The event's row, in a transaction of its own; raise QuarantinedNotFound when there is none."""
    async with context.db.transaction() as uow:
        return await find(uow, quarantine_id)


async def _replay(context: DoorContext, rows: list[QuarantinedBytes], by: Resolver) -> int:
    """Publish what is in order now and close it; renew the description of the others and return how many they
    are. All are held meanwhile: what another call closed would count all the same."""
    judged_by, good = circumstances(context, by.trace), Acceptance()
    async with context.db.transaction() as uow:
        quarantine = QuarantineRepository(uow.connection)
        before = await quarantine.hold_open([row.quarantine_id for row in rows])
        held = {row.quarantine_id for row in before}
        resolved, faults = judge([row for row in rows if row.quarantine_id in held], judged_by, good)
        if resolved:
            await publish_all(context, by.key, good, judged_by)
        after = await quarantine.resolve(resolved, Resolution("replayed", machine_now(), by.actor))
        if faults:
            after += await quarantine.describe_again(faults)
        await _note(uow, by, before, after)
    return len(faults)


def judge(
    rows: list[QuarantinedBytes], judged_by: Circumstances, good: Acceptance
) -> tuple[list[str], list[tuple[str, str, str]]]:
    """The ids of those now in order, and (id, code, detail) of the others. What is in order is added to
    `good`."""
    resolved, faults = [], []
    for index, row in enumerate(rows):
        again = Acceptance()
        accept([row.raw], judged_by, again)
        if again.quarantined:
            faults.append((row.quarantine_id, again.quarantined[0].code, again.quarantined[0].detail))
        else:
            good.publish(index, again.published[0][1])
            resolved.append(row.quarantine_id)
    return resolved, faults


async def _note(
    uow: UnitOfWork, by: Resolver, before: Sequence[QuarantinedEvent], after: Sequence[QuarantinedEvent]
) -> None:
    """Note what is otherwise than before."""
    now = {row.quarantine_id: row for row in after}
    changed = [(row, now[row.quarantine_id]) for row in before if row != now[row.quarantine_id]]
    if changed:
        await by.noted(uow, changed)


def refuse_resolved(row: QuarantinedBytes) -> None:
    """Raise AlreadyResolved for what has left the quarantine."""
    if row.status != "open":
        assert row.resolved_at is not None, "what was resolved says when"
        raise AlreadyResolved(f"{row.quarantine_id} is {row.status} since {row.resolved_at.isoformat()}")
