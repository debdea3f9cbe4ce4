"""How long what is kept, in one place, and how what is past its time goes: by set, in bounded steps, by the
machine clock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter

from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_now
from shared.runtime.context import AnyContext

EVERY_S = 3600.0
STEP_ROWS = 5000  # of one transaction
REST_S = 0.1  # between two: nobody waits for this
GONE = Counter("u2c_retention_deleted_rows_total", "Rows deleted because their time was over", ["kept"])
# deletes at most STEP_ROWS of what is older, and returns how many
Step = Callable[[UnitOfWork, datetime], Awaitable[int]]


@dataclass(frozen=True)
class Kept:
    """What is kept how long; `days` None: for ever. `then` says what its end means."""

    what: str
    days: int | None
    then: str


IDEMPOTENCY_KEYS = Kept("idempotency keys", 7, "the same key begins a new request")
DELIVERIES = Kept(
    "webhook deliveries",
    90,
    "settled ones go with their attempts, by the last attempt; the signal stays and can be replayed",
)
LOOKS = Kept(
    "checks of the books that a look asked for",
    1,
    "the last check that was made stays; what a person or the schedule asked for stays for ever",
)
RECEIPTS = Kept("receipts", 800, "their sums by key, source and hour stay for ever, and K2 counts those")
BATCH_ROWS = Kept("batch rows", None, "K1 tiles the log from its beginning")
AUDIT_ROWS = Kept("audit rows", None, "who changed what is asked years later")
#: What topics keep is in the topic registry.
TABLE = (IDEMPOTENCY_KEYS, LOOKS, DELIVERIES, RECEIPTS, BATCH_ROWS, AUDIT_ROWS)

for _kept in TABLE:
    if _kept.days is not None:
        GONE.labels(_kept.what)


async def forget(context: AnyContext, kept: Kept, step: Step) -> None:
    """Delete, step by step, all that is older than `kept.days`."""
    assert kept.days is not None, f"{kept.what} are kept for ever"
    before, gone = machine_now() - timedelta(days=kept.days), STEP_ROWS
    while gone >= STEP_ROWS:
        async with context.db.transaction() as uow:
            gone = await step(uow, before)
        GONE.labels(kept.what).inc(gone)
        await asyncio.sleep(REST_S)


async def forget_idempotency_keys(context: AnyContext) -> None:
    """Delete the expired idempotency keys of a service."""
    await forget(context, IDEMPOTENCY_KEYS, _idempotency_keys)


async def _idempotency_keys(uow: UnitOfWork, before: datetime) -> int:
    table = f"{uow.schema}.idempotency_keys"
    gone: str = await uow.connection.execute(
        f"""delete from {table} where ctid = any(array(
                select ctid from {table} where created_at < $1 order by created_at
                    limit $2 for update skip locked))""",
        before,
        STEP_ROWS,
    )
    return int(gone.split()[-1])
