"""Receipts whose time is over: first they are counted by their hours, then they go."""

from datetime import datetime

from services.usage_ingest.receipts import usecases
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.context import AnyContext
from shared.runtime.jobs import Job
from shared.runtime.retention import EVERY_S, RECEIPTS, STEP_ROWS, forget


async def forget_receipts(context: AnyContext) -> None:
    await forget(context, RECEIPTS, _step)


async def _step(uow: UnitOfWork, before: datetime) -> int:
    return await usecases.forget(uow, before, STEP_ROWS)


JOBS = (Job("forget_receipts", EVERY_S, forget_receipts, follows_clock=False),)
