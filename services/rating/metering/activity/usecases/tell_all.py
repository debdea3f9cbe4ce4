"""Tell what is not told yet, for whoever waits for it."""

import asyncio
from datetime import datetime

from services.rating.metering.activity.repository import ActivityProgress
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.fold import fold_share
from services.rating.metering.fold.usecases.pass_fold import pass_fold
from shared.db.published import database_time, until_published
from shared.db.unit_of_work import Database
from shared.topics.rating import ACTIVE_HOURS

POLL_S = 0.01


async def tell_all_activity(db: Database, memory: FoldMemory, now: datetime) -> int:
    """Fold everything metered until now, which tells it, and tell again what was asked for; return once that is on
    the bus what this call passed itself (see `Folded`)."""
    progress = ActivityProgress(db.pool)
    passed = await pass_fold(db, memory, now)
    moment = await database_time(db)
    while await progress.waits(moment):
        folded = await fold_share(db, memory, now)
        passed += folded.passed
        if not folded:
            await asyncio.sleep(POLL_S)
    await until_published(db, ACTIVE_HOURS.name)
    return passed
