"""Metering a batch: store what is new, and leave what that changes for the fold. Knows no contract."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import msgspec

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.domain.arrival import Arrivals, UsageUnstorable, arrivals_of
from services.rating.metering.domain.delta import Delta, Numbers, Touched, delta_of, encode
from services.rating.metering.domain.tally import HOUR_US, Catalogue
from services.rating.metering.domain.unfit import Unfit
from services.rating.metering.fold.repository.state import FoldRepository
from services.rating.metering.memory import MeteringContext, MeteringMemory
from services.rating.metering.repository.columns import event_rows
from services.rating.metering.repository.usage import MeteringRepository, StoredEvent
from services.rating.metering.usecases.counting import counted
from services.rating.metering.usecases.number_subjects import number_subjects
from services.rating.metering.usecases.report import report_unread
from services.rating.metering.usecases.set_aside import set_aside
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.usage_ingest import UsageMessage

#: What the database, and what reads for it, refuses for good: a character or number it cannot hold, a text
#: too long for an index.
UNSTORABLE: tuple[type[Exception], ...] = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    msgspec.DecodeError,
    OverflowError,
    struct.error,
    UsageUnstorable,
)


@dataclass(slots=True)
class Stored:
    """What became of a batch. `counted`: new, not void; `void_on_arrival`: new, its void was there first;
    `voided`: stored before, void now.

    `unfit`: what cannot be stored, by place; `newest_us`: when the newest of the rest was received.
    """

    counted: list[UsageMessage] = field(default_factory=list)
    void_on_arrival: list[UsageMessage] = field(default_factory=list)
    voided: list[StoredEvent] = field(default_factory=list)
    unfit: dict[int, Unfit] = field(default_factory=dict)
    newest_us: int | None = None
    counts: BatchCounts = field(default_factory=BatchCounts)


async def meter_batch(batch: Batch[UsageMessage], uow: UnitOfWork, context: MeteringContext) -> BatchCounts:
    """Store what is new, and leave what that changes for the fold; what cannot be stored goes to the
    quarantine.

    Raises UsageUnstorable when the store refuses what did not look so: the runner takes smaller batches,
    which are looked at closely.
    """
    memory, usage = context.state.metering, MeteringRepository(uow.connection)
    await _follow_catalogue(usage, uow, memory)
    try:
        stored = await store(batch, usage, memory)
        await usage.note_time(batch.partition, batch.batch_id, context.clock.now())
        await _leave_delta(stored, batch, uow, memory, context.clock.now())
    except UNSTORABLE as fault:
        memory.doubted[batch.partition] = batch.end
        raise UsageUnstorable(str(fault)) from fault
    set_aside(batch, stored.unfit, uow, context.clock.now())
    uow.when_committed(memory.fold.wake.call)
    if stored.newest_us is not None:
        memory.metered(stored.newest_us)
    return stored.counts


async def store(batch: Batch[UsageMessage], usage: MeteringRepository, memory: MeteringMemory) -> Stored:
    """Store the new events and voids of a batch; duplicates fall out, conflicts keep both bodies."""
    arrivals = arrivals_of(batch.messages, closely=batch.start < memory.doubted.get(batch.partition, 0))
    new_voids = (
        await usage.insert_voids(batch.batch_id, batch.partition, arrivals.voids) if arrivals.voids else set()
    )
    fresh, waited = await usage.claim_keys(
        batch.batch_id, arrivals.event_keys(), arrivals.body_hashes(), arrivals.events
    )
    duplicates, conflicts = await _keep_repeats(batch, arrivals, fresh, usage)
    repeated_voids = [
        *(void for key, void in arrivals.voids.items() if key not in new_voids),
        *arrivals.void_repeats,
    ]
    stored = Stored(
        unfit=arrivals.unfit,
        newest_us=arrivals.newest_us(),
        counts=counted(
            new=[batch.messages[seq] for seq in fresh],
            duplicate=[*duplicates, *repeated_voids],
            conflict=conflicts,
            void=[arrivals.voids[key] for key in new_voids],
            quarantined=[batch.messages[seq] for seq in arrivals.unfit],
        ),
    )
    await _store_events(batch, arrivals, fresh, usage, memory)
    void_on_arrival = frozenset(waited)
    stored.counted = [batch.messages[seq] for seq in fresh if seq not in void_on_arrival]
    stored.void_on_arrival = [batch.messages[seq] for seq in waited]
    stored.voided = await _meet_voids(batch, arrivals, waited, new_voids, usage)
    return stored


async def _leave_delta(
    stored: Stored, batch: Batch[UsageMessage], uow: UnitOfWork, memory: MeteringMemory, now: datetime
) -> None:
    """Leave one row for the fold: what is counted, what is void, and whose usage changed."""
    catalogue = memory.catalogue
    added, voided = catalogue.tally(stored.counted), catalogue.tally(stored.voided)
    touched = _touched(stored)
    numbers = Numbers(
        await number_subjects(uow, {subject for subject, _, _ in touched}, memory.subjects),
        {name: meter.counts_since for name, meter in catalogue.meters.items()},
    )
    delta = delta_of(added, voided, touched, stored.newest_us or 0, numbers)
    if memory.before is not None:
        delta.before = _delta_before(stored, memory.before, numbers.subjects)
    await FoldRepository(uow.connection).put_delta(batch.partition, batch.batch_id, encode(delta))
    await report_unread(uow, added.unread, catalogue.meters, now)


def _delta_before(stored: Stored, catalogue: Catalogue, subjects: Mapping[str, int]) -> Delta:
    """What a batch changes in the series that readers still see."""
    types = {meter.event_type for meter in catalogue.meters.values()}
    added = catalogue.tally([event for event in stored.counted if event.type in types])
    voided = catalogue.tally([event for event in stored.voided if event.type in types])
    since = {name: meter.counts_since for name, meter in catalogue.meters.items()}
    return delta_of(added, voided, {}, 0, Numbers(subjects, since))


async def _follow_catalogue(usage: MeteringRepository, uow: UnitOfWork, memory: MeteringMemory) -> None:
    revision = await usage.enter_fence()
    if revision != memory.catalogue.revision:
        catalogue = CatalogueRepository(uow.connection)
        before = await catalogue.meters_before()
        memory.before = Catalogue(revision, before) if before else None
        memory.catalogue = Catalogue(revision, await catalogue.meters())


async def _keep_repeats(
    batch: Batch[UsageMessage],
    arrivals: Arrivals,
    fresh: Sequence[int],
    usage: MeteringRepository,
) -> tuple[list[UsageMessage], list[UsageMessage]]:
    """Record further deliveries of known keys; return which are duplicates, and which conflicts (another
    body)."""
    if len(fresh) == len(arrivals.events):
        return [], []
    again = sorted(set(arrivals.events) - set(fresh))
    first = await usage.first_seen({arrivals.keys[seq] for seq in again})
    conflicts, duplicates = [], []
    for seq in again:
        key, message = arrivals.keys[seq], batch.messages[seq]
        if first[key].body_hash.hex() == message.body_hash:
            duplicates.append((seq, key, from_us(message.received_us)))
        else:
            conflicts.append((seq, key, first[key].body_hash, message))
    if duplicates:
        await usage.insert_duplicates(batch.batch_id, duplicates)
    if conflicts:
        await usage.insert_conflicts(batch.batch_id, conflicts)
    return [batch.messages[seq] for seq, _, _ in duplicates], [message for _, _, _, message in conflicts]


async def _store_events(
    batch: Batch[UsageMessage],
    arrivals: Arrivals,
    fresh: Sequence[int],
    usage: MeteringRepository,
    memory: MeteringMemory,
) -> None:
    if not fresh:
        return
    messages, keys = batch.messages, arrivals.keys
    # Neighbours in the index of subjects are written one after the other, so that they meet the same pages.
    ordered = sorted(fresh, key=lambda seq: (messages[seq].subject, messages[seq].type))
    await usage.copy_events(
        event_rows(batch.batch_id, batch.partition, ((seq, keys[seq], messages[seq]) for seq in ordered))
    )
    types = {messages[seq].type for seq in fresh}
    if not types <= memory.types:
        memory.types |= await usage.noted_types(types)
        if not types <= memory.types:
            await usage.note_types(types - memory.types)


async def _meet_voids(
    batch: Batch[UsageMessage],
    arrivals: Arrivals,
    waited: Sequence[int],
    new_voids: set[bytes],
    usage: MeteringRepository,
) -> list[StoredEvent]:
    """Link voids and events that met in this batch; return the events stored earlier that are void from now
    on."""
    met = {arrivals.keys[seq]: (batch.batch_id, seq) for seq in waited}
    alone = new_voids - met.keys()
    earlier = (
        {key: (first.batch_id, first.seq) for key, first in (await usage.first_seen(alone)).items()}
        if alone
        else {}
    )
    if met or earlier:
        await usage.link_voids({**met, **earlier})
    return await usage.stored_events(earlier.values()) if earlier else []


def _touched(stored: Stored) -> dict[Touched, int]:
    """Whose usage changed, by hour and type → the newest event's time. Events that no aggregate shows are told
    too: they may be suspense."""
    touched: dict[Touched, int] = {}
    for part in (stored.counted, stored.void_on_arrival, stored.voided):
        for event in part:
            time_us = event.time_us
            key = (event.subject, time_us // HOUR_US, event.type)
            if touched.get(key, time_us) <= time_us:
                touched[key] = time_us
    return touched
