"""Metering a batch: store what is new, add it to the aggregates, mark what must be priced again. Knows no contract."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.aggregates_repository import AggregatesRepository
from services.rating.metering.cached import MeteringMemory, memory_of
from services.rating.metering.domain.arrival import Arrivals, arrivals_of
from services.rating.metering.domain.tally import DAY_US, Catalogue, Tally
from services.rating.metering.grouping import bounded
from services.rating.metering.repository import MeteringRepository, StoredEvent
from shared.clock import from_us
from shared.consumer import Batch, BatchCounts
from shared.db import UnitOfWork
from shared.exceptions import open_exception
from shared.topics.usage_ingest import UsageMessage

EXCEPTION_OWNER = "metering"


@dataclass(slots=True)
class Stored:
    """What became of a batch. `counted`: new, not void; `void_on_arrival`: new, its void was there first; `voided`: stored before, void now."""

    counted: list[UsageMessage] = field(default_factory=list)
    void_on_arrival: list[UsageMessage] = field(default_factory=list)
    voided: list[StoredEvent] = field(default_factory=list)
    counts: BatchCounts = field(default_factory=BatchCounts)


async def meter_batch(batch: Batch[UsageMessage], uow: UnitOfWork, context: Any) -> BatchCounts:
    """Store what is new, add it to the aggregates, and mark what must be priced again."""
    memory, usage = memory_of(context), MeteringRepository(uow.connection)
    await _follow_catalogue(usage, uow, memory)
    stored = await store(batch, usage, memory)
    await add_up(stored, uow, memory, context.clock.now())
    await usage.mark(_touched(stored))
    return stored.counts


async def store(batch: Batch[UsageMessage], usage: MeteringRepository, memory: MeteringMemory) -> Stored:
    """Store the new events and voids of a batch; duplicates fall out, conflicts keep both bodies."""
    arrivals = arrivals_of(batch.messages)
    new_voids = await _put_voids_in_force(batch, arrivals, usage)
    firsts = sorted((key, bytes.fromhex(batch.messages[seq].body_hash), seq) for key, seq in arrivals.first_events.items())
    fresh = await usage.insert_keys(batch.batch_id, firsts) if firsts else {}
    duplicates, conflicts = await _keep_repeats(batch, arrivals, fresh, len(arrivals.first_voids) - len(new_voids), usage)
    stored = Stored(counts=BatchCounts(len(fresh), duplicates, conflicts, len(new_voids)))
    await _store_events(batch, arrivals, fresh, stored, usage, memory)
    stored.voided = await _meet_voids(batch, arrivals, fresh, new_voids, usage)
    await usage.note_received(batch.partition, max(message.received_us for message in batch.messages))
    return stored


async def add_up(stored: Stored, uow: UnitOfWork, memory: MeteringMemory, now: datetime) -> None:
    """Add what is counted to the aggregates and take what is void from them."""
    aggregates = AggregatesRepository(uow.connection)
    voided = await _tally_of_voided(stored.voided, uow, memory.catalogue)
    added = memory.catalogue.tally(stored.counted)
    unread = dict(added.unread)
    change, overflowed = await bounded(added, voided, aggregates, memory)
    await aggregates.add(change)
    await report(unread, overflowed, uow, memory, now)


async def report(unread: dict[str, int], overflowed: set[tuple[str, str]], uow: UnitOfWork, memory: MeteringMemory, now: datetime) -> None:
    """Open an exception for values a meter could not read and for groups beyond the limit."""
    for meter, count in sorted(unread.items()):
        if memory.catalogue.meters[meter].missing == "quarantine":
            await open_exception(
                uow, "usage_value_unreadable", meter, f"Meter {meter} could not read the value of {count} stored events of its latest batch; "
                f"they add nothing to it. Correct them (void and new id), or change the meter.", owner=EXCEPTION_OWNER, now=now)
    for meter, subject in sorted(overflowed):
        await open_exception(
            uow, "meter_groups_exceeded", f"{meter}/{subject}", f"Subject {subject} has more than {memory.groups_max} groups on meter {meter} in one "
            f"month; what is beyond counts in the group \"other\". Group by fewer values, or raise the limit.", owner=EXCEPTION_OWNER, now=now)


async def _follow_catalogue(usage: MeteringRepository, uow: UnitOfWork, memory: MeteringMemory) -> None:
    revision = await usage.enter_fence()
    if revision != memory.catalogue.revision:
        memory.renew(Catalogue(revision, await CatalogueRepository(uow.connection).meters()))


async def _put_voids_in_force(batch: Batch[UsageMessage], arrivals: Arrivals, usage: MeteringRepository) -> set[bytes]:
    if not arrivals.first_voids:
        return set()
    voids = {key: batch.messages[seq] for key, seq in arrivals.first_voids.items()}
    return await usage.insert_voids(batch.batch_id, batch.partition, voids)


async def _keep_repeats(
    batch: Batch[UsageMessage], arrivals: Arrivals, fresh: dict[int, bool], voids_again: int, usage: MeteringRepository,
) -> tuple[int, int]:
    """Record duplicates and conflicts; return how many of each. Repeated voids are duplicates."""
    again = [seq for seq in arrivals.first_events.values() if seq not in fresh] + arrivals.repeats
    conflicts, duplicates = [], []
    first_hashes = await _first_hashes(batch, arrivals, again, usage)
    for seq in again:
        key, message = arrivals.keys[seq], batch.messages[seq]
        if first_hashes[key].hex() == message.body_hash:
            duplicates.append((seq, key, from_us(message.received_us)))
        else:
            conflicts.append((seq, key, first_hashes[key], message))
    if duplicates:
        await usage.insert_duplicates(batch.batch_id, duplicates)
    if conflicts:
        await usage.insert_conflicts(batch.batch_id, conflicts)
    return len(duplicates) + voids_again + len(arrivals.void_repeats), len(conflicts)


async def _first_hashes(batch: Batch[UsageMessage], arrivals: Arrivals, again: Sequence[int], usage: MeteringRepository) -> dict[bytes, bytes]:
    if not again:
        return {}
    return {key: first.body_hash for key, first in (await usage.first_seen({arrivals.keys[seq] for seq in again})).items()}


async def _store_events(
    batch: Batch[UsageMessage], arrivals: Arrivals, fresh: dict[int, bool], stored: Stored, usage: MeteringRepository, memory: MeteringMemory,
) -> None:
    if not fresh:
        return
    records = []
    for seq in sorted(fresh):
        event = batch.messages[seq]
        (stored.void_on_arrival if fresh[seq] else stored.counted).append(event)
        records.append((batch.batch_id, seq, batch.partition, from_us(event.received_us), arrivals.keys[seq], event.source, event.id, event.type,
                        event.subject, from_us(event.time_us), event.data))
    await usage.copy_events(records)
    await _note_types({batch.messages[seq].type for seq in fresh}, usage, memory)


async def _note_types(types: set[str], usage: MeteringRepository, memory: MeteringMemory) -> None:
    if not types <= memory.types:
        memory.types |= await usage.noted_types(types)
        if not types <= memory.types:
            await usage.note_types(types - memory.types)


async def _meet_voids(
    batch: Batch[UsageMessage], arrivals: Arrivals, fresh: dict[int, bool], new_voids: set[bytes], usage: MeteringRepository,
) -> list[StoredEvent]:
    """Link voids and events that met in this batch; return the events stored earlier that are void from now on."""
    met = {arrivals.keys[seq]: (batch.batch_id, seq) for seq, waiting in fresh.items() if waiting}
    alone = new_voids - met.keys()
    earlier = {key: (first.batch_id, first.seq) for key, first in (await usage.first_seen(alone)).items()} if alone else {}
    if met or earlier:
        await usage.link_voids({**met, **earlier})
    return await usage.stored_events(earlier.values()) if earlier else []


async def _tally_of_voided(voided: list[StoredEvent], uow: UnitOfWork, catalogue: Catalogue) -> Tally:
    """What the voided events had added. A meter that is still being back-filled is spared what its job has not reached: the job will skip it."""
    if not voided or all(meter.backfilled for meter in catalogue.meters.values()):
        return catalogue.tally(voided)
    backfills = await CatalogueRepository(uow.connection).running_backfills()
    tally = Tally()
    for event in voided:
        reached = catalogue.without(b.meter for b in backfills if b.will_reach(event.partition, event.batch_id, event.seq))
        tally.add(reached.tally([event]))
    return tally


def _touched(stored: Stored) -> list[tuple[str, date]]:
    """The (subject, UTC day) whose usage changed, sorted. Events that no aggregate shows are told too: they may be suspense."""
    pairs = {(event.subject, event.time_us // DAY_US) for part in (stored.counted, stored.void_on_arrival, stored.voided) for event in part}
    days = {day: from_us(day * DAY_US).date() for day in {day for _, day in pairs}}
    return [(subject, days[day]) for subject, day in sorted(pairs)]
