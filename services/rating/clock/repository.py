"""All SQL of the clock's hands."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

RUNNING_S = 3                              # an instance that was not seen for longer does not run
LOCK_KEY = 0x75326320636C6B                # one advance at a time


@dataclass(frozen=True, slots=True)
class ClockRow:
    moved_to: datetime | None
    revision: int


class ClockRepository:
    def __init__(self, connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy") -> None:
        self.connection = connection

    async def try_lock(self) -> bool:
        """Take the session's lock on moving the clock; it ends with the connection or its return to the pool."""
        taken: bool = await self.connection.fetchval("select pg_try_advisory_lock($1)", LOCK_KEY)
        return taken

    async def read(self) -> ClockRow:
        row = await self.connection.fetchrow("select moved_to, revision from clock.business")
        assert row is not None
        return ClockRow(row["moved_to"], row["revision"])

    async def is_fresh(self) -> bool:
        """Whether nothing has happened yet that has a time: no contract and no usage."""
        found: bool = await self.connection.fetchval(
            "select not exists (select from rating.contracts) and not exists (select from rating.event_keys)")
        return found

    async def next_due(self, after: datetime, until: datetime) -> datetime | None:
        """The first due instant in (after, until]: the clock stops there."""
        found: datetime | None = await self.connection.fetchval(
            """select min(due) from (
                   select min(close_due_at) as due from rating.periods where not final and close_due_at > $1
                   union all select min(period_end) from rating.periods where not final and period_end > $1
                   union all select min(next_period_at) from rating.contracts where next_period_at > $1
                   union all select min(effective_at) from rating.contract_versions where effective_at > $1) instants
               where due <= $2""", after, until)
        return found

    async def move(self, to: datetime) -> int:
        """Set the clock and wake everybody; return the revision to be acknowledged."""
        revision: int = await self.connection.fetchval(
            "update clock.business set moved_to = $1, revision = revision + 1, set_at = clock_timestamp() returning revision", to)
        await self._wake()
        return revision

    async def ask_quiet(self, *, first: bool) -> int:
        """Put the question to every instance, in a first or a further round; return its number."""
        request: int = await self.connection.fetchval(
            """update clock.business set quiet_request = quiet_request + 1, quiet_at = case when $1 then clock_timestamp() else quiet_at end
               returning quiet_request""", first)
        await self._wake()
        return request

    async def not_acknowledged(self, revision: int) -> list[str]:
        """Running instances that have not followed the move of this revision."""
        return await self._running("acked_revision < $1", revision)

    async def not_quiet(self, request: int) -> list[str]:
        """Running instances that have not answered the question of this number."""
        return await self._running("quiet_request < $1", request)

    async def instances(self) -> list[asyncpg.Record]:
        return await self.connection.fetch(
            """select instance_id, service, seen_at, acked_revision from clock.instances
               where seen_at > clock_timestamp() - make_interval(secs => $1) order by service, instance_id""", RUNNING_S)

    async def _running(self, condition: str, number: int) -> list[str]:
        rows = await self.connection.fetch(
            f"""select instance_id from clock.instances where seen_at > clock_timestamp() - make_interval(secs => {RUNNING_S}) and {condition}
                order by instance_id""", number)
        return [row["instance_id"] for row in rows]

    async def _wake(self) -> None:
        await self.connection.execute("select pg_notify('u2c_clock', '')")
