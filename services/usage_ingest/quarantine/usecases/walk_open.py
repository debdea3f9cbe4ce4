"""Go through the open events that fit a filter, a part at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.keys.usecases.refuse_foreign_sources import UNREADABLE, refuse_foreign_source
from services.usage_ingest.quarantine.repository import QuarantineRepository
from services.usage_ingest.quarantine.rows import Filter, QuarantinedBytes
from shared.http.keys import AccessKey

#: Events of one publish and one transaction.
PART = 500
WALKED_MAX = 10_000  # of one call


@dataclass(frozen=True, slots=True)
class Some:
    """Which open events a call is about, of whose key: those that fit, after one of them."""

    wanted: Filter
    after: str
    key: AccessKey


@dataclass(slots=True)
class Walked:
    """How many events were looked at, and of how many an act on each part said something; the last of them, and whether
    others lie behind it."""

    after: str
    looked_at: int = 0
    counted: int = 0
    more: bool = False


async def walk_open(
    context: DoorContext, some: Some, act: Callable[[list[QuarantinedBytes]], Awaitable[int]]
) -> Walked:
    """Act on the events, oldest first, at most WALKED_MAX a call.

    The next call goes on where this one ended, so that what stays open does not keep it from what lies behind. A key
    that is bound to sources names one of them: raises SourceNotYours.
    """
    refuse_foreign_source(some.key, some.wanted.source or UNREADABLE)
    walked = Walked(some.after)
    while rows := await _part(context, some.wanted, walked.after):
        if walked.looked_at >= WALKED_MAX:
            walked.more = True
            break
        walked.counted += await act(rows)
        walked.looked_at, walked.after = walked.looked_at + len(rows), rows[-1].quarantine_id
    return walked


async def _part(context: DoorContext, wanted: Filter, after: str) -> list[QuarantinedBytes]:
    async with context.db.transaction() as uow:
        return await QuarantineRepository(uow.connection).open_after(wanted, after, PART)
