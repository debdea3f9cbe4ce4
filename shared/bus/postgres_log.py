"""The bus as a log in Postgres: nothing but Postgres to run. Durable when the append's transaction is.

Retention is `trim`. Snapshot topics are not compacted here: they keep every revision until retention takes
what every reader has read and the newest segment of a partition always stays. A reader that begins later than
the retention starts at the oldest segment; readers keep what they heard in tables of their own, so only a new
service has to be told again what its producers know (`shared/runtime/retelling.py`).
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, TypeVar

import asyncpg
import structlog

from shared.bus import BusUnavailable, Polled, Record, RecordsRefused, Subscription, positions
from shared.bus.cluster import remember_cluster
from shared.bus.faults import DATABASE_FAULTS, WrongPartitionCount
from shared.bus.group_commit import GroupCommit
from shared.bus.held_connection import throw_away, usable
from shared.bus.membership import Membership
from shared.bus.postgres_segments import TRIM, append, heads, read_run, written_at
from shared.bus.postgres_subscription import QUIET_AFTER_S, PostgresSubscription
from shared.db.unit_of_work import OUTAGES
from shared.topics import ALL, Topic

log = structlog.get_logger()
T = TypeVar("T")
#: What Postgres says of the records themselves, or of our right to the topic: it will say the same the next
#: time.
REFUSALS: tuple[type[asyncpg.PostgresError], ...] = (
    asyncpg.DataError,
    asyncpg.CheckViolationError,
    asyncpg.PLPGSQLError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.InsufficientPrivilegeError,
)
DAY_S = 86_400
TRIM_EVERY_S = 600.0
#: The channel on which the first record after a quiet time is announced, by its topic. It is announced sooner
#: than anybody who finds nothing takes to look seldom.
ANNOUNCED, ANNOUNCE_AFTER_S = "u2c_bus", QUIET_AFTER_S / 2
ANNOUNCE = (
    "select pg_notify($1, topic), set_config('synchronous_commit', 'off', true) from unnest($2::text[]) topic"
)
# A server may be set to acknowledge before the log is written; what publish acknowledged must survive the
# server's death.
DURABLE = (
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
)
ENSURE = """with topic as (insert into bus.topics (topic, partitions) values ($1, $2::smallint)
    on conflict do nothing returning topic)
    insert into bus.heads (topic, partition) select topic, generate_series(0, $2 - 1) from topic"""


@dataclass
class PostgresLog:
    """Implements `shared.bus.Bus`. One per process; publishes of all its callers are committed in groups."""

    pool: asyncpg.Pool
    topics: Mapping[str, Topic] = field(default_factory=lambda: ALL)
    session_timeout_s: float = 6.0
    publish_timeout_s: float = 10.0
    durability_note: str | None = None  # durable as Postgres is
    _commits: GroupCommit = field(init=False)
    #: Topic → when this process appended to it last.
    _appended_at: dict[str, float] = field(default_factory=dict)
    _publisher: Any = None
    _trimming: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._commits = GroupCommit(self._append)
        self._partitions = {topic.name: topic.partitions for topic in self.topics.values()}

    async def start(self) -> None:
        await remember_cluster(self.pool, "postgres", "this database")
        for topic in self.topics.values():
            await self.pool.execute(ENSURE, topic.name, topic.partitions)
        for row in await self.pool.fetch(
            "select topic, partitions from bus.topics where topic = any($1)", list(self.topics)
        ):
            if row["partitions"] != self.topics[row["topic"]].partitions:
                raise WrongPartitionCount(
                    row["topic"], self.topics[row["topic"]].partitions, row["partitions"]
                )
        self._trimming = asyncio.create_task(self._trim_on(), name="bus-retention")

    async def stop(self) -> None:
        await self._commits.stop()
        if self._trimming:
            self._trimming.cancel()
            await asyncio.gather(self._trimming, return_exceptions=True)
        await self._drop_publisher()

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        assert topic in self.topics, f"{topic} is not in the topic registry"
        await self._commits.add(topic, records)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        shares = [
            (topic, partition) for topic in topics for partition in range(self.topics[topic].partitions)
        ]
        membership = Membership(self.pool, group, shares, self.session_timeout_s)
        subscription = PostgresSubscription(
            self.pool, group, {topic: self.topics[topic] for topic in topics}, membership
        )
        membership.hears = {ANNOUNCED: subscription.announced}
        return subscription

    async def heads(self, topic: str) -> Mapping[int, int]:
        return await self._answer(heads(self.pool, topic))

    async def positions(self, group: str, topic: str) -> Mapping[int, int]:
        return await self._answer(positions.of_topic(self.pool, group, topic, self.topics[topic].partitions))

    async def read(self, topic: str, partition: int, start: int, records_max: int) -> Polled:
        return await self._answer(read_run(self.pool, topic, partition, start, records_max))

    async def written_at(self, topic: str, partition: int, offset: int) -> datetime | None:
        return await self._answer(written_at(self.pool, topic, partition, offset))

    async def trim(self, topic: str, retention_s: float) -> int:
        """Delete segments older than `retention_s` that every group, and every registered reader, has
        consumed; return how many."""
        known = self.topics[topic]
        done = await self.pool.execute(
            TRIM, topic, retention_s, list(known.groups), list(known.former_groups)
        )
        return int(done.split()[-1])

    async def _append(self, topics: Mapping[str, list[Record]]) -> None:
        try:
            async with asyncio.timeout(self.publish_timeout_s):
                publisher = await self._publisher_connection()
                await append(publisher, topics, self._partitions)
                await self._announce(publisher, topics)
        except REFUSALS as fault:
            raise RecordsRefused(
                f"the log in Postgres refuses what was sent to {', '.join(sorted(topics))}: {fault!r}"
            ) from fault
        except DATABASE_FAULTS as fault:
            await self._drop_publisher()
            raise BusUnavailable(f"the log in Postgres took nothing: {fault!r}") from fault

    async def _announce(self, publisher: asyncpg.Connection, topics: Iterable[str]) -> None:
        """Tell who listens of the first records after a quiet time: nobody looks often by then. While records
        flow they are found by looking, and a notice with each would make every commit wait for its turn."""
        now = asyncio.get_running_loop().time()
        quiet = [topic for topic in topics if now - self._appended_at.get(topic, -inf) >= ANNOUNCE_AFTER_S]
        self._appended_at.update(dict.fromkeys(topics, now))
        if quiet:
            await publisher.execute(ANNOUNCE, ANNOUNCED, quiet)

    async def _publisher_connection(self) -> asyncpg.Connection:
        """A connection kept for publishing: going through the pool would add a round trip to every commit."""
        if not usable(self._publisher):
            await self._drop_publisher()
            self._publisher = await self.pool.acquire()
            await self._publisher.execute(DURABLE)
        kept: asyncpg.Connection = self._publisher
        return kept

    async def _drop_publisher(self) -> None:
        """After a fault nobody knows the state of a connection; the next append takes a new one."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await throw_away(self.pool, publisher)

    async def _answer(self, asked: Coroutine[Any, Any, T]) -> T:
        try:
            return await asked
        except OUTAGES as fault:
            raise BusUnavailable(f"the log in Postgres does not answer: {fault!r}") from fault

    async def _trim_on(self) -> None:
        while True:
            await asyncio.sleep(TRIM_EVERY_S)
            for topic in self.topics.values():
                try:
                    await self.trim(topic.name, topic.retention_days * DAY_S)
                except DATABASE_FAULTS as fault:
                    log.warning("retention_waits", topic=topic.name, fault=repr(fault))
