"""A process that moves the old book and takes the steps of back-fills, a few rows at a time: it may die by a
fail-point. Argument: the URL of rating's database."""

import asyncio
import sys

from services.rating.metering.backfill.usecases import backfill_step
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import folding
from services.rating.metering.fold.usecases.move_old_book import move_old_book_step
from shared.db.unit_of_work import Database
from tests.services.rating.metering.batches import NOW


async def main(url: str) -> None:
    db, memory = Database(url, "rating"), FoldMemory(1000)
    await db.open()
    left = True
    while left:
        async with folding(db, memory) as (uow, claim):
            left = await move_old_book_step(uow, Holding(memory, claim.rolled_up), rows_max=5)
    stepped = True
    while stepped:
        async with folding(db, memory) as (uow, claim):
            stepped = await backfill_step(uow, Holding(memory, claim.rolled_up), NOW, events_max=5)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
