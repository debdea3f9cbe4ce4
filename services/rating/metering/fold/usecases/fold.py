"""Fold what batches left: add their deltas to the packed rows, mark what must be priced and told again, and
move the watermark past them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from services.rating.metering.activity.usecases.tell_again import tell_again
from services.rating.metering.activity.usecases.tell_changed import tell_changed
from services.rating.metering.domain.delta import decode
from services.rating.metering.domain.hours import DAY_HOURS
from services.rating.metering.fold.domain.changes import changes_of
from services.rating.metering.fold.domain.share import share_of
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.state import Claim, FoldProgress, FoldRepository, Newest
from services.rating.metering.fold.usecases.add_changes import Holding, add_admitting, add_by_terms_before
from services.rating.metering.fold.usecases.know_subjects import know_subjects
from services.rating.metering.fold.usecases.move_old_book import move_old_rows
from services.rating.metering.repository.candidates import CandidateRepository
from shared.db.unit_of_work import Database, UnitOfWork
from shared.runtime import failpoints

SHARE_BYTES_MAX = 4_000_000
DAYS_AGAIN_MAX = 200
ELSEWHERE_S = 3.0


@dataclass(frozen=True, slots=True)
class Folded:
    """`passed`: of how many partitions the watermark moved, with the days and subjects that were told again. `more`:
    more waits than one fold takes. True where anything was done."""

    passed: int
    more: bool

    def __bool__(self) -> bool:
        return self.passed > 0


NOTHING = Folded(0, more=False)


async def fold_share(db: Database, memory: FoldMemory, now: datetime, *, in_turn: bool = False) -> Folded:
    """Fold some of what waits, and tell some of what is asked for again, in one transaction; NOTHING where neither
    waits.

    Whoever holds the rows is waited for, and a holder that stands still is evicted. `in_turn`: where another process
    folded last, and not long ago, do nothing: a fold here would make what that one remembers worth nothing.
    """
    progress = await FoldProgress(db.pool).look()
    elsewhere = progress.epoch != memory.epoch and progress.folded_s < ELSEWHERE_S
    if not progress.waits or (in_turn and elsewhere):
        return NOTHING
    failpoints.reach("fold.before_claim")
    async with folding(db, memory) as (uow, claim):
        folded = await _fold(uow, claim, memory, now)
        again = await tell_again(uow, DAYS_AGAIN_MAX, claim.epoch)
        failpoints.reach("fold.before_commit")
    return Folded(folded.passed + again, folded.more or bool(again))


@asynccontextmanager
async def folding(db: Database, memory: FoldMemory) -> AsyncIterator[tuple[UnitOfWork, Claim]]:
    """One transaction that holds the packed rows, and the meters with them, as who changes a meter holds the rows
    too. `memory` is true within it, is kept once it has committed, and is forgotten otherwise."""
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


async def fold_all(uow: UnitOfWork, memory: FoldMemory, now: datetime) -> None:
    """Fold everything that waits, in the caller's transaction, which holds the packed rows from here on. `memory` is
    the caller's own: true until the transaction ends."""
    repository = FoldRepository(uow.connection)
    claim = await repository.claim()
    while (await _fold(uow, claim, memory, now)).more:
        claim = await repository.claim()


async def _fold(uow: UnitOfWork, claim: Claim, memory: FoldMemory, now: datetime) -> Folded:
    repository = FoldRepository(uow.connection)
    share = share_of(await repository.backlog(claim), claim.watermark, SHARE_BYTES_MAX)
    if share.watermark == claim.watermark:
        return NOTHING
    deltas = [decode(body) for body in await repository.bodies(share.chosen)]
    newest = Newest.of(deltas)
    if deltas:
        changes, holding = changes_of(deltas), Holding(memory, claim.rolled_up)
        subjects = await know_subjects(uow, {subject for subject, _, _ in changes.touched}, memory)
        await move_old_rows(uow, set(subjects.values()), holding)
        newest_batch = max(delta.batch_id for delta in share.chosen)
        written = await add_admitting(uow, changes, holding, newest_batch, now)
        if before := [delta.before for delta in deltas if delta.before is not None]:
            written = written.then(await add_by_terms_before(uow, before, holding, newest_batch, now))
        await repository.mark({(subject, hour // DAY_HOURS) for subject, hour, _ in changes.touched})
        if not_taken := memory.admitting.not_all_taken(changes.touched):
            await CandidateRepository(uow.connection).note(not_taken)
        await tell_changed(uow, changes.touched, written, memory, claim.epoch)
    await repository.finish(share, newest)
    passed = sum(batch != claim.watermark.get(partition) for partition, batch in share.watermark.items())
    return Folded(passed, share.more)
