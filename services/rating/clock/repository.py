"""All SQL of the clock's hands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import asyncpg

from services.rating.clock.rows import ClockRow, Instance
from shared.db.columns import names_of
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import ANSWERS, CHANNEL, LAX
from shared.runtime.wake import Wake

LOOK_S = 0.25
#: An instance that was not seen for longer does not run.
RUNNING_S = 3
LOCK_KEY = 0x75326320636C6B  # one advance at a time


class ClockRepository:
    def __init__(self, connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy") -> None:
        self.connection = connection
        self._answers = Wake()

    def unit_of_work(self) -> UnitOfWork:
        """What is written in this connection's transaction; nothing is told by it."""
        # the pool's proxy has every method of a connection
        return UnitOfWork(cast(asyncpg.Connection, self.connection), "rating")

    @asynccontextmanager
    async def hearing_answers(self) -> AsyncIterator[None]:
        """Hear of the answers of instances inside the block: see `wait_answer`."""
        await self.connection.add_listener(ANSWERS, self._answers.call)
        try:
            yield
        finally:
            if not self.connection.is_closed():
                await self.connection.remove_listener(ANSWERS, self._answers.call)

    async def wait_answer(self) -> None:
        """Return when an instance has answered something since the last wait, or after a while: one may have
        died."""
        await self._answers.wait(LOOK_S)

    async def try_lock(self) -> bool:
        """Take the session's lock on moving the clock; it ends with the connection or its return to the
        pool."""
        taken: bool = await self.connection.fetchval("select pg_try_advisory_lock($1)", LOCK_KEY)
        return taken

    async def read(self) -> ClockRow:
        row = await self.connection.fetchrow("select moved_to, revision from clock.business")
        assert row is not None
        return ClockRow(**row)

    async def is_fresh(self) -> bool:
        """Whether nothing has happened yet that has a time: no contract and no usage."""
        found: bool = await self.connection.fetchval(
            "select not exists (select from rating.contracts) and not exists (select from rating.event_keys)"
        )
        return found

    async def next_due(self, after: datetime, until: datetime) -> datetime | None:
        """The first due instant in (after, until]: the clock stops there."""
        found: datetime | None = await self.connection.fetchval(
            """select min(due) from (
                   select min(close_due_at) as due from rating.periods where not final and close_due_at > $1
                   union all select min(period_end) from rating.periods where not final and period_end > $1
                   union all select min(next_period_at) from rating.contracts where next_period_at > $1
                   union all select min(correction_due_at) from rating.contracts where correction_due_at > $1
                   union all select min(ends) from rating.blocks b where not over and ends > $1 and not exists (
                       select from rating.block_contracts join rating.contracts k using (contract)
                       where block_id = b.block_id and k.next_period_at is not null)
                   union all select min(effective_at) from rating.contract_versions
                       where effective_at > $1) instants
               where due <= $2""",
            after,
            until,
        )
        return found

    async def move(self, to: datetime) -> int:
        """Set the clock and wake everybody; return the revision to be acknowledged."""
        revision: int = await self.connection.fetchval(
            """with moved as (update clock.business
                set moved_to = $1, revision = revision + 1, set_at = clock_timestamp() returning revision)
               select revision, pg_notify($2, '') from moved""",
            to,
            CHANNEL,
        )
        return revision

    async def ask_quiet(self, service: str) -> int:
        """Put the question to every instance of a service; return its number."""
        request: int = await self.connection.fetchval(
            f"""with asked as (update clock.business set quiet_request = quiet_request + 1, quiet_service = $1
                returning quiet_request)
                select quiet_request, pg_notify($2, $1), {LAX} from asked""",
            service,
            CHANNEL,
        )
        return request

    async def not_acknowledged(self, revision: int) -> list[str]:
        """Running instances that have not followed the move of this revision."""
        return await self._running("acked_revision < $1", revision)

    async def not_quiet(self, service: str, request: int) -> list[str]:
        """Running instances of the service that have not answered the question of this number."""
        return await self._running("quiet_request < $1 and service = $2", request, service)

    async def services(self) -> list[str]:
        """The services with a running instance."""
        rows = await self.connection.fetch(
            "select distinct service from clock.instances where seen_at > clock_timestamp() - make_interval(secs => $1)",
            RUNNING_S,
        )
        return [row["service"] for row in rows]

    async def instances(self) -> list[Instance]:
        rows = await self.connection.fetch(
            f"""select {names_of(Instance)} from clock.instances
                where seen_at > clock_timestamp() - make_interval(secs => $1) order by service, instance_id""",
            RUNNING_S,
        )
        return [Instance(**row) for row in rows]

    async def _running(self, condition: str, *arguments: int | str) -> list[str]:
        rows = await self.connection.fetch(
            f"""select instance_id from clock.instances
                where seen_at > clock_timestamp() - make_interval(secs => {RUNNING_S}) and {condition}
                order by instance_id""",
            *arguments,
        )
        return [row["instance_id"] for row in rows]
