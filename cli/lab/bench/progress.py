"""How far the load has come: metered, priced, told, and in billing's drafts. Read as auditor; nothing is
asked of the services."""

import asyncio
import time

import asyncpg

METERED_POLL_S, POLL_S = 0.25, 0.05
METERED = "select coalesce(sum(position), 0)::bigint from bus.positions where grp = 'rating' and topic = 'usage.events'"
PRICED = "select not exists (select from rating.marks) and not exists (select from rating.stale)"
TOLD = """select not exists (select from rating.statements s
              left join billing.documents d on d.contract = s.contract and d.period_start = s.period_start
                  and d.kind = 'invoice'
              where d.statement_revision is distinct from s.revision)"""
ACTIVITY_TOLD = (
    "select not exists (select from rating.activity_marks) and not exists (select from rating.activity_due)"
)
STATEMENTS = "select count(*) from rating.statements"
HEARD = "select coalesce(sum(position), 0)::bigint from bus.positions where grp = 'billing' and topic = 'rating.statements'"
NEWEST_BATCH = "select coalesce(max(batch_id), 0) from bus.batches"


class Stuck(Exception):
    """Nothing moved for so long that waiting on makes no sense."""


async def until_visible(
    auditor: asyncpg.Connection, messages: int, statements: int, stuck_s: float = 120.0
) -> float:
    """Return the instant (monotonic) at which `messages` are metered and all statements, at least so many,
    stand in billing's drafts."""
    newest, moved_at = -1, time.monotonic()
    while True:
        metered = await auditor.fetchval(METERED)
        if metered >= messages and await _all_told(auditor, statements):
            return time.monotonic()
        if (batch := await newest_batch(auditor)) != newest:
            newest, moved_at = batch, time.monotonic()
        elif time.monotonic() - moved_at > stuck_s:
            raise Stuck(
                f"no consumer moved for {stuck_s:.0f} s: {metered:,} of {messages:,} messages are metered"
            )
        await asyncio.sleep(METERED_POLL_S if metered < messages else POLL_S)


async def _all_told(auditor: asyncpg.Connection, statements: int) -> bool:
    """Asked from the cheapest question to the dearest: the answers cost the cores that are measured."""
    for question in (PRICED, TOLD):
        if not await auditor.fetchval(question):
            return False
    return bool(await auditor.fetchval(STATEMENTS) >= statements)


async def until_activity_told(auditor: asyncpg.Connection) -> None:
    """Wait until signals have been told of everything metered: what was stored first must not be worked off
    while something is measured."""
    while not await auditor.fetchval(ACTIVITY_TOLD):
        await asyncio.sleep(METERED_POLL_S)


async def newest_batch(auditor: asyncpg.Connection) -> int:
    """The last batch of any consumer."""
    found: int = await auditor.fetchval(NEWEST_BATCH)
    return found


async def heard_statements(auditor: asyncpg.Connection) -> int:
    """Revisions of statements that billing has taken."""
    found: int = await auditor.fetchval(HEARD)
    return found
