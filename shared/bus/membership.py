"""Fair sharing of numbered things (partitions of a group, shards of an outbox) between live processes.

A member holds one session: a row in `bus.members`, and a session advisory lock for each share it owns. Death
closes the session, so the locks are free at once. A stopped process keeps its session but stops beating;
after `session_timeout_s` the others terminate that session. Ownership saves work, no more: exactly-once rests
on the compare-and-set of positions.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import asyncpg
import structlog

from shared.bus.faults import DATABASE_FAULTS
from shared.bus.held_connection import throw_away, usable

log = structlog.get_logger()
Share = tuple[str, int]
TICK_S = 0.25

JOIN = """insert into bus.members (grp, shares, pid, backend_start)
    select $1, $2, pid, backend_start from pg_stat_get_activity(pg_backend_pid()) returning member"""
BEAT = """with mine as (update bus.members set seen_at = clock_timestamp() where member = $1 returning member)
    select m.member, m.shares, m.seen_at > clock_timestamp() - make_interval(secs => $3) as fresh,
           exists (select from pg_stat_get_activity(m.pid) a where a.backend_start = m.backend_start) as
               connected,
           exists (select from mine) as joined
    from bus.members m where m.grp = $2"""
# A member that is silent for too long may be stopped with its locks held; one without a session is dead.
EVICT = """select m.member, pg_terminate_backend(a.pid) from bus.members m, pg_stat_get_activity(m.pid) a
    where m.grp = $1 and a.backend_start = m.backend_start
        and m.seen_at < clock_timestamp() - make_interval(secs => $2)"""
BURY = """delete from bus.members m where m.grp = $1 and m.member <> $2
    and not exists (select from pg_stat_get_activity(m.pid) a where a.backend_start = m.backend_start)"""


def fair_shares(members: Mapping[int, frozenset[Share]]) -> dict[int, set[Share]]:
    """Deal all shares to the members in turn, in an order every member computes alike."""
    dealt: dict[int, set[Share]] = {member: set() for member in members}
    for turn, share in enumerate(sorted(frozenset[Share]().union(*members.values()))):
        willing = [member for member in sorted(members) if share in members[member]]
        dealt[willing[turn % len(willing)]].add(share)
    return dealt


def lock_key(group: str, share: Share) -> int:
    """The advisory lock of one share: 64 bits, so that two of them never meet in practice."""
    return int.from_bytes(sha256(f"{group}/{share[0]}/{share[1]}".encode()).digest()[:8], "big", signed=True)


@dataclass
class Membership:
    """One process's membership. `settle` between batches; `owned` is what this process may work on until the
    next call."""

    pool: asyncpg.Pool
    group: str
    shares: Sequence[Share]
    session_timeout_s: float = 6.0
    #: What is called with each notice of a channel, by its name: the session hears of it.
    hears: Mapping[str, Callable[[str], None]] = field(default_factory=dict)
    owned: frozenset[Share] = frozenset()
    #: Whether nobody else was a member at the last beat.
    alone: bool = False
    _wanted: frozenset[Share] = frozenset()
    _due: bool = False
    _member: int = 0
    _connection: Any = None
    _beating: asyncio.Task[None] | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def settle(self) -> frozenset[Share]:
        """Join if need be, give back what is the others' now, take what is free, and return what is owned.
        Raises DATABASE_FAULTS."""
        if not usable(self._connection):
            await self._join()
        if self._due:
            async with self._one_at_a_time:
                with self._dropped_on_fault():
                    await self._exchange()
        return self.owned

    async def fetch(self, sql: str, *arguments: object) -> list[Any]:
        """Read or write through the session: no pool in between, and nothing at all once the session is taken
        away."""
        async with self._one_at_a_time:
            if self._connection is None:
                raise asyncpg.InterfaceError("the session is gone; settle() joins again")
            with self._dropped_on_fault():
                rows: list[Any] = await self._connection.fetch(sql, *arguments)
            return rows

    async def leave(self) -> None:
        """Give everything back now."""
        await self._forget(says_so=True)

    async def _join(self) -> None:
        await self._forget()
        connection = await self.pool.acquire(timeout=5)
        try:
            await connection.execute("set synchronous_commit = off")  # a lost heartbeat costs nothing
            self._member = await connection.fetchval(
                JOIN, self.group, [f"{name}#{number}" for name, number in self.shares]
            )
            for channel, call in self.hears.items():
                await connection.add_listener(channel, partial(_heard, call))
        except BaseException:
            await throw_away(self.pool, connection)
            raise
        self._connection = connection
        await self._beat()
        self._beating = asyncio.create_task(self._beat_on(), name=f"membership-{self.group}")

    async def _beat_on(self) -> None:
        while True:
            alone_s, shared_s = self.session_timeout_s / 3, min(TICK_S, self.session_timeout_s / 8)
            await asyncio.sleep(alone_s if self.alone else shared_s)
            try:
                await self._beat()
            except DATABASE_FAULTS as fault:
                log.warning("membership_lost", group=self.group, fault=repr(fault))
                return

    @contextlib.contextmanager
    def _dropped_on_fault(self) -> Iterator[None]:
        """After a fault nobody knows the state of the session: it owns nothing any more, and settle() joins
        again."""
        try:
            yield
        except DATABASE_FAULTS:
            self.owned = frozenset()
            with contextlib.suppress(asyncpg.InterfaceError):
                self._connection.terminate()
            raise

    async def _beat(self) -> None:
        async with self._one_at_a_time:
            with self._dropped_on_fault():
                rows = await self._connection.fetch(
                    BEAT, self._member, self.group, self.session_timeout_s, timeout=self.session_timeout_s
                )
                if not any(row["joined"] for row in rows):
                    raise asyncpg.InterfaceError("the others have buried this member; joining again")
        live = {
            row["member"]: frozenset(_parse(share) for share in row["shares"])
            for row in rows
            if row["member"] == self._member or (row["fresh"] and row["connected"])
        }
        self.alone = len(live) == 1
        self._wanted = frozenset(fair_shares(live)[self._member])
        self._due = self._wanted != self.owned
        if any(not row["connected"] for row in rows):
            async with self._one_at_a_time:
                with self._dropped_on_fault():
                    await self._connection.execute(BURY, self.group, self._member)

    async def _exchange(self) -> None:
        for share in self.owned - self._wanted:
            await self._connection.execute("select pg_advisory_unlock($1)", lock_key(self.group, share))
            self.owned -= {share}
        missing = self._wanted - self.owned
        for share in sorted(missing):
            if await self._connection.fetchval(
                "select pg_try_advisory_lock($1)", lock_key(self.group, share)
            ):
                self.owned |= {share}
        if missing - self.owned:
            await self._evict_silent()
        # What is still missing is due again at the next beat.
        self._due = False

    async def _evict_silent(self) -> None:
        for row in await self._connection.fetch(EVICT, self.group, self.session_timeout_s):
            log.warning("silent_member_evicted", group=self.group, member=row["member"])

    async def _forget(self, says_so: bool = False) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        connection, self._connection, self._beating, self.owned, self._due = (
            self._connection,
            None,
            None,
            frozenset(),
            False,
        )
        if connection is None:
            return
        with contextlib.suppress(*DATABASE_FAULTS):
            if says_so and usable(connection):
                await connection.execute("delete from bus.members where member = $1", self._member, timeout=2)
        # The end of the session frees its advisory locks.
        await throw_away(self.pool, connection)


def _heard(call: Callable[[str], None], *told: object) -> None:
    """A notice: connection, process, channel, payload."""
    call(str(told[-1]))


def _parse(share: str) -> Share:
    name, _, number = share.rpartition("#")
    return name, int(number)
