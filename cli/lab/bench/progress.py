"""How far the load has come: folded, told, and in billing's drafts. Read as auditor; nothing is asked of the
services."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg

POLL_S = 0.1
STUCK_S = 120.0
METERED = "select coalesce(sum(position), 0)::bigint from bus.positions where grp = 'rating' and topic = 'usage.events'"
PRICED = "select not exists (select from rating.marks) and not exists (select from rating.stale)"
TOLD = """select not exists (select from rating.statements s
              left join billing.statements h using (statement_id)
              where h.revision is distinct from s.revision)"""
#: Commits from before the fold, which a comparison plays too, add up in the transaction that meters.
FOLDS = "select to_regclass('rating.usage_deltas') is not null"
ALL_FOLDED = "select not exists (select from rating.usage_deltas)"
ACTIVITY_TOLD = "select not exists (select from rating.activity_due)"
MARKED_ACTIVITY_TOLD = "select not exists (select from rating.activity_marks)"
DRAFTED = "select count(*) from billing.documents where status = 'draft'"
NEWEST_BATCH = "select coalesce(max(batch_id), 0) from bus.batches"


class Stuck(Exception):
    """Nothing moved for so long that waiting on makes no sense."""


async def until_folded(auditor: asyncpg.Connection, messages: int) -> float:
    """Return the instant (monotonic) at which so many messages of usage.events are in the aggregates: metered, and
    where a fold adds them, folded."""
    folds = await auditor.fetchval(FOLDS)

    async def all_folded() -> bool:
        metered = await auditor.fetchval(METERED) >= messages
        return bool(metered and (not folds or await auditor.fetchval(ALL_FOLDED)))

    return await _until(auditor, all_folded, f"{messages:,} messages are folded")


async def until_told(auditor: asyncpg.Connection) -> None:
    """Wait until every statement is priced and billing's drafts are the newest revisions: only where a reading
    makes none current."""

    async def all_told() -> bool:
        """Asked from the cheapest question to the dearest: the answers cost the cores that are measured."""
        return bool(await auditor.fetchval(PRICED) and await auditor.fetchval(TOLD))

    await _until(auditor, all_told, "every statement is told")


async def until_drafted(auditor: asyncpg.Connection, contracts: int) -> None:
    """Wait until each contract has its draft."""

    async def all_drafted() -> bool:
        return bool(await auditor.fetchval(DRAFTED) >= contracts)

    await _until(auditor, all_drafted, f"{contracts:,} contracts have their drafts")


async def _until(auditor: asyncpg.Connection, reached: Callable[[], Awaitable[bool]], what: str) -> float:
    """Ask again and again, for as long as some consumer moves; Stuck when none does for two minutes."""
    newest, moved_at = -1, time.monotonic()
    while not await reached():
        if (batch := await newest_batch(auditor)) != newest:
            newest, moved_at = batch, time.monotonic()
        elif time.monotonic() - moved_at > STUCK_S:
            raise Stuck(f"no consumer moved for {STUCK_S:.0f} s, and it does not hold that {what}")
        await asyncio.sleep(POLL_S)
    return time.monotonic()


async def until_activity_told(auditor: asyncpg.Connection) -> None:
    """Wait until signals have been told of everything metered: what was stored first must not be worked off
    while something is measured."""
    first = ALL_FOLDED if await auditor.fetchval(FOLDS) else MARKED_ACTIVITY_TOLD
    while not (await auditor.fetchval(first) and await auditor.fetchval(ACTIVITY_TOLD)):
        await asyncio.sleep(POLL_S)


async def newest_batch(auditor: asyncpg.Connection) -> int:
    """The last batch of any consumer."""
    found: int = await auditor.fetchval(NEWEST_BATCH)
    return found
