"""SQL of upkeep."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import asyncpg

from shared.values.period import month_after

LOCK_TIMEOUT = "2s"


@dataclass(frozen=True, slots=True)
class LonelyVoid:
    key: bytes
    source: str
    id: str
    received_at: datetime


class UpkeepRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add_month(self, first_day: date) -> bool:
        """Make the partition of events received in this UTC month; False when it exists or its events already
        lie in the default one."""
        name = f"events_{first_day:%Y_%m}"
        start = datetime(first_day.year, first_day.month, 1, tzinfo=UTC)
        end = month_after(start)
        taken = await self._connection.fetchval(
            """select to_regclass($1) is not null
                   or exists (select from rating.events_other
                       where received_at >= $2 and received_at < $3)""",
            f"rating.{name}",
            start,
            end,
        )
        if taken:
            return False
        await self._connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        await self._connection.execute(
            f"create table rating.{name} partition of rating.events for values from ('{start.isoformat()}') to ('{end.isoformat()}')"
        )
        return True

    async def lonely_voids(self, received_before: datetime, limit: int) -> list[LonelyVoid]:
        """Voids without an event, older than an instant, that no open exception names yet."""
        rows = await self._connection.fetch(
            """select key, source, id, received_at from rating.voids v
               where event_batch_id is null and received_at < $1 and not exists (
                   select from rating.exceptions x
                   where x.kind = 'void_without_event' and x.reference = encode(v.key, 'hex')
                       and x.resolved_at is null)
               order by key limit $2""",
            received_before,
            limit,
        )
        return [LonelyVoid(*row) for row in rows]

    async def met_since(self) -> list[str]:
        """References of open exceptions whose void has met its event."""
        rows = await self._connection.fetch(
            """select x.reference from rating.exceptions x
                join rating.voids v on v.key = decode(x.reference, 'hex')
               where x.kind = 'void_without_event' and x.resolved_at is null
                   and v.event_batch_id is not null"""
        )
        return [row["reference"] for row in rows]
