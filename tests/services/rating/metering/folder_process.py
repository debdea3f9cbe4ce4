"""A folder as an OS process: folds what waits, then rolls days up, and ends.

Arguments: the database's URL, "stop" to stop itself (SIGSTOP) in the middle of its first COPY, the business time, and
how many that are forked from it fold before it, one after the other, each armed with its fail-point: how each of them ended
is printed, and it is disarmed itself.
"""

import asyncio
import importlib
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
from shared.runtime import failpoints


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


def forked(url: str, stop: str, now: datetime) -> int:
    """How a process ended that folds as this one would now."""
    child = os.fork()
    if not child:
        asyncio.run(main(url, stop, now))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    arguments = (sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))
    deaths = int(sys.argv[4])
    for _ in range(deaths):
        print(forked(*arguments), flush=True)
    if deaths:
        del os.environ["U2C_FAILPOINT"]
        importlib.reload(failpoints)
    asyncio.run(main(*arguments))
