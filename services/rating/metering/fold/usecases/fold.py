"""Fold what batches left: add their deltas to the packed rows, mark what must be priced and told again, and
move the watermark past them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.activity.domain import DAY_HOURS
from services.rating.metering.activity.usecases.tell_again import tell_again
from services.rating.metering.activity.usecases.tell_changed import tell_changed
from services.rating.metering.domain.delta import Delta, Numbers, decode, tallies_of
from services.rating.metering.domain.tally import Tally
from services.rating.metering.fold.domain.packed import Written
from services.rating.metering.fold.domain.share import Share, share_of
from services.rating.metering.fold.memory import Admitting, FoldMemory, Readable, TouchedNumber
from services.rating.metering.fold.repository.state import Claim, FoldProgress, FoldRepository
from services.rating.metering.fold.usecases.add_to_packed import add_to_packed
from services.rating.metering.fold.usecases.move_old_book import move_old_rows
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.repository.names import NamesRepository
from services.rating.metering.usecases.admit_groups import bounded
from services.rating.metering.usecases.report import report_overflow
from shared.db.unit_of_work import Database, UnitOfWork
from shared.runtime.clock import from_us

SHARE_BYTES_MAX = 4_000_000
DAYS_AGAIN_MAX = 200


async def fold_share(db: Database, memory: FoldMemory, now: datetime) -> int:
    """Fold some of what waits, and tell some of what is asked for again, in one transaction; return how many
    batches the watermark passed, and days and subjects were told again: 0 when nothing waits.

    Whoever holds the rows is waited for, and a holder that stands still is evicted.
    """
    if not await FoldProgress(db.pool).anything_waits():
        return 0
    async with folding(db, memory) as (uow, claim):
        passed = await _fold(uow, claim, memory, now)
        return passed + await tell_again(uow, DAYS_AGAIN_MAX, claim.epoch)


@asynccontextmanager
async def folding(db: Database, memory: FoldMemory) -> AsyncIterator[tuple[UnitOfWork, Claim]]:
    """One transaction that holds the packed rows, and the meters with them: who changes one holds the rows
    too. What is remembered stays once it has committed, and is forgotten otherwise."""
    async with memory.one_at_a_time:
        try:
            async with db.transaction() as uow:
                claim = await FoldRepository(uow.connection).claim_from_stopped(db.pool)
                memory.claimed(claim.before)
                yield uow, claim
        except BaseException:
            memory.forget()
            raise
        memory.committed(claim.epoch)


async def fold_all(uow: UnitOfWork, groups_max: int, now: datetime) -> None:
    """Fold everything that waits, in the caller's transaction, which holds the packed rows from here on."""
    memory = FoldMemory(groups_max)
    claim = await FoldRepository(uow.connection).claim()
    while await _fold(uow, claim, memory, now):
        claim = await FoldRepository(uow.connection).claim()


async def _fold(uow: UnitOfWork, claim: Claim, memory: FoldMemory, now: datetime) -> int:
    repository = FoldRepository(uow.connection)
    share = share_of(await repository.backlog(claim), claim.watermark, SHARE_BYTES_MAX)
    if share.watermark == claim.watermark:
        return 0
    deltas = [decode(body) for body in await repository.bodies(share.chosen)]
    if deltas:
        touched = _touched(deltas)
        written = await _add(uow, share, deltas, memory, now)
        await repository.mark(sorted({(subject, hour // DAY_HOURS) for subject, hour, _ in touched}))
        await tell_changed(uow, touched, written, memory, claim.epoch)
    newest_us = max((delta.received_us for delta in deltas), default=0)
    await repository.finish(share.chosen, share.watermark, from_us(newest_us) if newest_us else None)
    return sum(batch != claim.watermark.get(partition) for partition, batch in share.watermark.items())


async def _add(
    uow: UnitOfWork, share: Share, deltas: Sequence[Delta], memory: FoldMemory, now: datetime
) -> Written:
    await _follow_catalogue(uow, memory)
    subjects = await _subjects(uow, deltas, memory)
    await move_old_rows(uow, set(subjects.values()), memory)
    newest_batch = max(delta.batch_id for delta in share.chosen)
    written = await _add_by(uow, deltas, memory.admitting, newest_batch, memory, now)
    if before := [delta.before for delta in deltas if delta.before is not None]:
        admitting = await _admitting_before(uow, before, memory)
        written = written.then(await _add_by(uow, before, admitting, newest_batch, memory, now))
    return written


async def _add_by(
    uow: UnitOfWork,
    deltas: Sequence[Delta],
    admitting: Admitting,
    newest_batch: int,
    memory: FoldMemory,
    now: datetime,
) -> Written:
    """Add what these say by the terms of these meters."""
    subjects = await _subjects(uow, deltas, memory)
    added, voided = Tally(), Tally()
    for delta in deltas:
        more, less = tallies_of(delta, subjects)
        added.add(more)
        voided.take(less)
    change, overflowed = await bounded(
        added, voided, AdmissionRepository(uow.connection), admitting, newest_batch
    )
    meters = admitting.meters
    numbers = Numbers(
        {subject: number for number, subject in subjects.items()},
        {name: meter.counts_since for name, meter in meters.items()},
    )
    written = await add_to_packed(uow, change, numbers, memory)
    await report_overflow(uow, overflowed, memory.groups_max, now)
    return written


async def _admitting_before(uow: UnitOfWork, deltas: Sequence[Delta], memory: FoldMemory) -> Admitting:
    """For the terms of before that these were made by. A meter has only one such version among them: all that
    is stored is folded before its terms change."""
    since = {meter: revision for delta in deltas for meter, revision, _ in delta.series}
    meters = await CatalogueRepository(uow.connection).versions_since(since)
    return Admitting(memory.groups_max, memory.admitting.revision, meters, memory.admitting.names)


async def _follow_catalogue(uow: UnitOfWork, memory: FoldMemory) -> None:
    """Read the meters, the named values and what readers see anew where that has changed. Who changes it holds
    the epoch."""
    catalogue = CatalogueRepository(uow.connection)
    revision = await catalogue.revision()
    if revision != memory.admitting.revision:
        meters = {meter.meter: meter for meter in await catalogue.meters()}
        names = await AdmissionRepository(uow.connection).names()
        memory.admitting = Admitting(memory.groups_max, revision, meters, names)
        memory.readable = Readable(await NamesRepository(uow.connection).readable())
        memory.unread = await NamesRepository(uow.connection).unread()


async def _subjects(uow: UnitOfWork, deltas: Sequence[Delta], memory: FoldMemory) -> Mapping[int, str]:
    """Number → subject, of all that occur."""
    occurring = {
        number
        for delta in deltas
        for column in (delta.sums.subjects, delta.items.subjects, delta.touched.subjects)
        for number in column
    }
    if unknown := occurring - memory.subjects.keys():
        memory.subjects |= await NamesRepository(uow.connection).subjects(unknown)
    return {number: memory.subjects[number] for number in occurring}


def _touched(deltas: Sequence[Delta]) -> dict[TouchedNumber, int]:
    """(Subject number, hour, event type) → the newest event's time."""
    touched: dict[TouchedNumber, int] = {}
    for delta in deltas:
        columns = delta.touched
        types = [delta.types[place] for place in columns.types]
        for subject, hour, event_type, newest_us in zip(
            columns.subjects, columns.hours, types, columns.newest_us, strict=True
        ):
            key = (subject, hour, event_type)
            touched[key] = max(newest_us, touched.get(key, newest_us))
    return touched
