"""Two clocks. The business clock (events, periods, grace) can be moved forward in demo and test; the machine
clock never is."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import structlog

from shared.bus.faults import DATABASE_FAULTS
from shared.runtime.wake import Wake
from shared.values.instants import EPOCH as EPOCH
from shared.values.instants import from_us as from_us
from shared.values.instants import to_us as to_us

log = structlog.get_logger()
#: With the name of a service: only that one is asked something.
CHANNEL = "u2c_clock"
ANSWERS = "u2c_clock_answers"
HEARTBEAT_S = 1.0
AGAIN_S = 0.5
# A heartbeat or an answer that a crash of the database loses costs nothing: it is given again, or whoever
# asked has to ask again.
LAX = "set_config('synchronous_commit', 'off', true)"
_SEEN = """with seen as (
        insert into clock.instances (instance_id, service, seen_at, acked_revision) values
            ($1, $2, clock_timestamp(), $3)
        on conflict (instance_id) do update
        set seen_at = excluded.seen_at, acked_revision =
            greatest(instances.acked_revision, excluded.acked_revision))"""
ACKNOWLEDGE = f"{_SEEN} select pg_notify($4, ''), {LAX}"
READ = "select moved_to, revision, quiet_request, quiet_service from clock.business"
BEAT = f"{_SEEN} select b.*, {LAX} from ({READ}) b"
QUIET = f"""with quiet as (update clock.instances set quiet_request = $2 where instance_id = $1)
    select pg_notify($3, ''), {LAX}"""


def machine_now() -> datetime:
    """The machine's time, UTC. For signatures, leases, record stamps and revisions; never for periods."""
    return datetime.now(UTC)


def machine_us() -> int:
    return to_us(machine_now())


@dataclass
class BusinessClock:
    """This process's view of the row `clock.business`; follows it by LISTEN and acknowledges every move.

    Not moved: the machine's time. Moved: it stands at `moved_to` until it is moved again, forward only.

    Before a moved clock passes a due instant, and before it answers, the mover asks one service after the
    other whether it is *quiet* (`clock.business.quiet_request`, `quiet_service`): an instance of it answers
    in `clock.instances.quiet_request` once `until_quiet()` returns.
    `Service.finish_due_work` is where a service says that no due job of its own is left.
    """

    pool: asyncpg.Pool
    service: str
    instance_id: str
    moved_to: datetime | None = None
    revision: int = -1
    until_quiet: Callable[[], Awaitable[None]] | None = None
    _asked: int = 0
    _answered: int = 0
    _seen_at: float = -HEARTBEAT_S
    _settling: asyncio.Task[None] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return self.moved_to or machine_now()

    async def start(self) -> None:
        await self._refresh()
        self._task = asyncio.create_task(self._follow(), name="business-clock")

    async def stop(self) -> None:
        running = [task for task in (self._task, self._settling) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        with contextlib.suppress(*DATABASE_FAULTS):
            await self.pool.execute("delete from clock.instances where instance_id = $1", self.instance_id)

    async def wait_change(self, timeout_s: float) -> None:
        """Return when the clock moved, or after `timeout_s`: what a periodic job waits on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    async def refresh(self) -> None:
        """Read the row now, for a step that must not work on an older time."""
        await self._refresh()

    async def _refresh(self) -> None:
        now, seen = asyncio.get_running_loop().time(), (self.instance_id, self.service, self.revision)
        beats = now - self._seen_at >= HEARTBEAT_S / 2
        row = await self.pool.fetchrow(*((BEAT, *seen) if beats else (READ,)))
        assert row is not None, "migrations put the one row there"
        # A look that began earlier may end later.
        moved = row["revision"] > self.revision
        if moved:
            self.moved_to, self.revision = row["moved_to"], row["revision"]
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
            await self.pool.execute(ACKNOWLEDGE, self.instance_id, self.service, self.revision, ANSWERS)
        if moved or beats:
            self._seen_at = now
        if row["quiet_service"] == self.service:
            self._asked = max(self._asked, row["quiet_request"])
        if self._asked > self._answered and (self._settling is None or self._settling.done()):
            self._settling = asyncio.create_task(self._settle(), name="settle")

    async def _settle(self) -> None:
        """Answer when there is nothing older than the question left to do. A fault ends this try; the next
        heartbeat begins another."""
        while self.until_quiet is not None and (request := self._asked) > self._answered:
            await self.until_quiet()
            await self.pool.execute(QUIET, self.instance_id, request, ANSWERS)
            self._answered = request

    async def _follow(self) -> None:
        """Wake on a notice or a heartbeat. An outage of the database is waited out: time then simply stands
        still.

        Whatever happens, it goes on: a clock that stays behind quarantines good usage as too early and closes
        nothing.
        """
        while True:
            try:
                await self._listen()
            except DATABASE_FAULTS as fault:
                log.warning("clock_connection_lost", fault=repr(fault))
            except Exception:
                log.exception("clock_failed")
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        wake = Wake()
        async with self.pool.acquire() as connection:
            await connection.add_listener(
                CHANNEL, lambda *told: wake.call() if told[-1] in ("", self.service) else None
            )
            try:
                while True:
                    await self._refresh()
                    await wake.wait(HEARTBEAT_S)
            finally:
                if not connection.is_closed():
                    await connection.reset(timeout=5)
