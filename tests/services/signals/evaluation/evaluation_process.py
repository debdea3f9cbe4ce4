"""A process that evaluates what is due and ends: `python -m tests.services.signals.evaluation.evaluation_process URL UNTIL`."""

import asyncio
import sys
from datetime import datetime

from services.signals.evaluation.usecases.evaluate import evaluate_due
from services.signals.settings import read_policy
from shared.db.unit_of_work import Database


async def main(url: str, until: datetime) -> None:
    db = Database(url, "signals")
    await db.open()
    policy = read_policy()
    while True:
        async with db.transaction() as uow:
            if not await evaluate_due(uow, until, policy, 500):
                break
    await db.close()


asyncio.run(main(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
