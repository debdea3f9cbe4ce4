"""A consumer's membership of a group on the Postgres log: ownership, reading ahead within segments, adaptive
polling."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg

from shared.bus import BusUnavailable, Polled, Record, positions
from shared.bus.faults import DATABASE_FAULTS, LogReplaced
from shared.bus.membership import Membership
from shared.bus.postgres_segments import Place, bounds, read
from shared.runtime.wake import Wake
from shared.topics import Topic, TopicKind

POLL_MIN_S = 0.002
POLL_MAX_S = 0.05
#: Who has found nothing for so long looks seldom: the first record after that is announced (`announce`).
QUIET_AFTER_S, POLL_QUIET_S = 1.0, 1.0
CHECK_EVERY_S = 10.0


@dataclass(slots=True)
class _Cursor:
    """Where reading stands in one partition: `offset` is the next to return, `ahead` what is read and not
    returned yet.

    `missing` offsets lie between `offset` and the first record ahead: trimmed before this group came, or
    lost. The consumer judges.
    """

    offset: int
    ahead: list[Record] = field(default_factory=list)
    missing: int = 0

    def add(self, base: int, records: list[Record]) -> bool:
        """Append a segment; False when it does not follow on what is ahead (it is read again after that)."""
        end = self.offset + self.missing + len(self.ahead)
        if base > end:
            if self.ahead:
                return False
            self.missing, end = base - self.offset, base
        self.ahead.extend(records[end - base :])
        return True

    def run(self, place: Place, records_max: int) -> Polled:
        taken, self.ahead = self.ahead[:records_max], self.ahead[records_max:]
        start, first = self.offset, self.offset + self.missing
        self.offset, self.missing = first + len(taken), 0
        return Polled(*place, start, self.offset, taken, range(first, self.offset))


@dataclass
class PostgresSubscription:
    """Implements `shared.bus.Subscription`."""

    pool: asyncpg.Pool
    group: str
    topics: Mapping[str, Topic]
    membership: Membership
    _cursors: dict[Place, _Cursor] = field(default_factory=dict)
    _wait_s: float = POLL_MIN_S
    _hurried: Wake = field(default_factory=Wake)
    _checked_at: float = 0.0
    _found_at: float = 0.0

    async def poll(self, records_max: int, timeout_s: float) -> list[Polled]:
        """See `Subscription.poll`. Raises BusUnavailable in an outage, LogFault when the log is not what it
        was."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            try:
                await self._own()
                await self._read_ahead(records_max)
                if loop.time() - self._checked_at > CHECK_EVERY_S:
                    await self._check_heads()
                    self._checked_at = loop.time()
            except DATABASE_FAULTS as fault:
                raise BusUnavailable(f"the log in Postgres does not answer: {fault!r}") from fault
            runs = self._runs(records_max)
            if runs:
                self._wait_s, self._found_at = POLL_MIN_S, loop.time()
            if runs or loop.time() >= deadline:
                return runs
            await self._hurried.wait(min(self._wait_s, max(deadline - loop.time(), 0)))
            quiet = loop.time() - self._found_at >= QUIET_AFTER_S
            self._wait_s = min(self._wait_s * 2, POLL_QUIET_S if quiet else POLL_MAX_S)
            if loop.time() >= deadline:
                return []

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        if (topic, partition) in self._cursors:
            self._cursors[topic, partition] = _Cursor(offset)

    def announced(self, topic: str) -> None:
        """Look now if a record of one of ours is announced."""
        if topic in self.topics:
            self.hurry()

    def hurry(self) -> None:
        self._hurried.call()

    def assigned(self) -> frozenset[Place]:
        return frozenset(self._cursors)

    async def close(self) -> None:
        self._cursors.clear()
        await self.membership.leave()

    async def _own(self) -> None:
        owned = await self.membership.settle()
        for place in self._cursors.keys() - owned:
            del self._cursors[place]
        for place in sorted(owned - self._cursors.keys()):
            self._cursors[place] = _Cursor(await self._placed(*place))

    async def _placed(self, topic: str, partition: int) -> int:
        """The committed position, after a look whether the log still is the one it belongs to."""
        position = await positions.load(self.pool, self.group, topic, partition)
        held = (await bounds(self.membership, topic))[partition]
        before = await self._record_before(topic, partition, position.offset)
        lossy = self.topics[topic].kind is TopicKind.SNAPSHOT
        log = positions.Held(held.first, held.head, before, lossy)
        positions.verify(self.group, topic, partition, position, log)
        return position.offset

    async def _record_before(self, topic: str, partition: int, offset: int) -> Record | None:
        if offset == 0:
            return None
        found = await read(self.membership, {(topic, partition): offset - 1}, 1)
        for base, records in found.get((topic, partition), []):
            if base <= offset - 1 < base + len(records):
                return records[offset - 1 - base]
        return None

    async def _read_ahead(self, records_max: int) -> None:
        wanted = {place: cursor.offset for place, cursor in self._cursors.items() if not cursor.ahead}
        if not wanted:
            return
        for place, segments in (await read(self.membership, wanted, records_max)).items():
            for base, records in segments:
                if not self._cursors[place].add(base, records):
                    break

    async def _check_heads(self) -> None:
        """A topic that was re-created while we consume it shows as a head below our position."""
        for topic in {topic for topic, _ in self._cursors}:
            for partition, held in (await bounds(self.membership, topic)).items():
                cursor = self._cursors.get((topic, partition))
                if cursor is not None and cursor.offset > held.head:
                    raise LogReplaced(
                        self.group,
                        topic,
                        partition,
                        f"the position is {cursor.offset}, the log ends at {held.head}",
                    )

    def _runs(self, records_max: int) -> list[Polled]:
        return [cursor.run(place, records_max) for place, cursor in self._cursors.items() if cursor.ahead]
