"""Wait for the fold."""

import asyncio
from datetime import datetime

from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.state import FoldProgress
from services.rating.metering.fold.usecases.fold import fold_share
from services.rating.metering.repository.readings import ReadingsRepository
from shared.db.unit_of_work import Database

POLL_S = 0.01


async def pass_fold(db: Database, memory: FoldMemory, now: datetime) -> int:
    """Fold, beside whoever else does, until everything metered before the call is folded; return what this call
    passed itself (see `Folded`)."""
    passed = 0
    async with db.transaction() as uow:
        stored = await ReadingsRepository(uow.connection).last_batches()
    while not await FoldProgress(db.pool).passed(stored):
        folded = await fold_share(db, memory, now)
        passed += folded.passed
        if not folded:
            await asyncio.sleep(POLL_S)
    return passed


async def waited_s(db: Database) -> float:
    """For how many seconds the oldest batch that is not folded has waited; 0 without any."""
    return await FoldProgress(db.pool).waited_s()
