"""Two clocks. The business clock (events, periods, grace) can be moved forward in demo and test; the machine clock never is."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

log = structlog.get_logger()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHANNEL = "u2c_clock"
HEARTBEAT_S = 1.0


def machine_now() -> datetime:
    """The machine's time, UTC. For signatures, leases, record stamps and revisions; never for periods."""
    return datetime.now(UTC)


def to_us(instant: datetime) -> int:
    """Whole microseconds since the epoch, exactly (no float on the way)."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_us(instant_us: int) -> datetime:
    """The UTC instant of so many microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=instant_us)


def machine_us() -> int:
    return to_us(machine_now())


@dataclass
class BusinessClock:
    """This process's view of the row `clock.business`; follows it by LISTEN and acknowledges every move.

    Not moved: the machine's time. Moved: it stands at `moved_to` until it is moved again, forward only.
    """

    pool: asyncpg.Pool
    service: str
    instance_id: str
    moved_to: datetime | None = None
    revision: int = -1
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return self.moved_to or machine_now()

    async def start(self) -> None:
        await self._refresh()
        self._task = asyncio.create_task(self._follow(), name="business-clock")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            await self.pool.execute("delete from clock.instances where instance_id = $1", self.instance_id)

    async def wait_change(self, timeout_s: float) -> None:
        """Return when the clock moved, or after `timeout_s`: what a periodic job waits on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    async def refresh(self) -> None:
        """Read the row now, for a step that must not work on an older time."""
        await self._refresh()

    async def _refresh(self) -> None:
        row = await self.pool.fetchrow("select moved_to, revision from clock.business")
        if row["revision"] != self.revision:
            self.moved_to, self.revision = row["moved_to"], row["revision"]
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
        await self.pool.execute(
            """insert into clock.instances (instance_id, service, seen_at, acked_revision) values ($1, $2, clock_timestamp(), $3)
               on conflict (instance_id) do update set seen_at = excluded.seen_at, acked_revision = excluded.acked_revision""",
            self.instance_id, self.service, self.revision,
        )

    async def _follow(self) -> None:
        """Wake on a notice or a heartbeat. An outage of the database is waited out: time then simply stands still."""
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as fault:
                log.warning("clock_connection_lost", error=str(fault))
                await asyncio.sleep(0.5)

    async def _listen(self) -> None:
        moved = asyncio.Event()
        async with self.pool.acquire() as connection:
            await connection.add_listener(CHANNEL, lambda *_: moved.set())
            try:
                while True:
                    await self._refresh()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(moved.wait(), HEARTBEAT_S)
                    moved.clear()
            finally:
                if not connection.is_closed():
                    await connection.reset(timeout=5)
