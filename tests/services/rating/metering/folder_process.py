"""A folder as an OS process: folds what waits, then rolls days up, and ends.

Arguments: the database's URL, "stop" to stop itself (SIGSTOP) in the middle of its first COPY, and the business
time.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime

from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository import packed
from services.rating.metering.fold.usecases.fold import fold_share
from services.rating.metering.fold.usecases.roll_up import roll_up
from shared.db.unit_of_work import Database


async def stopping(payload: bytes) -> AsyncIterator[bytes]:
    """The payload in two halves, with a stop between them."""
    half = len(payload) // 2
    yield payload[:half]
    # the driver sends a half before it asks for the next one
    os.kill(os.getpid(), signal.SIGSTOP)
    yield payload[half:]


async def main(url: str, stop: str, now: datetime) -> None:
    if stop == "stop":
        packed.once = stopping
    db, memory = Database(url, "rating"), FoldMemory(1000)
    await db.open()
    try:
        while await fold_share(db, memory, now):
            pass
        while await roll_up(db, memory, now):
            pass
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3])))
