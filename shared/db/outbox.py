"""The relay: puts a service's outbox rows on the bus, and deletes what the bus has. Duplicates after a crash
are harmless.

A relay owns shards (hash of what a message is partitioned by, mod 16) by advisory lock and publishes a
shard's rows in id order, so two relays never overtake each other within a partition key. The rows of one
round are one publish, whole batches at a time. A round the bus refuses is halved until the refused row stands
alone and is set aside (`shared/db/outbox_refused.py`): it never stands before the others.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import structlog

from shared.bus import Bus, BusUnavailable, Record, RecordsRefused, metrics
from shared.bus.faults import DATABASE_FAULTS
from shared.bus.membership import Membership, Share
from shared.db.columns import names_of, read
from shared.db.floor import SNAPSHOT, Floor, Look
from shared.db.outbox_refused import Refused
from shared.db.outbox_rows import MessageKey, WaitingMessage
from shared.db.unit_of_work import OUTBOX_SHARDS, Database
from shared.runtime import failpoints
from shared.runtime.wake import News, Wake
from shared.topics import ALL, TopicKind

log = structlog.get_logger()
ROWS_MAX = 2000
#: For rows of other processes; those of this one wake the relay. Where it is alone there are none but those
#: of the command line.
POLL_S, POLL_ALONE_S = 0.05, 1.0
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 5.0
#: After much, wait for more.
REST_A_ROW_S, REST_MAX_S = 0.0002, 0.1
MEASURE_EVERY_S = 5.0
#: For refused rows whose time has come.
RETRY_LOOK_S = 15.0
WAITING = """select s.*, o.* from (select {snapshot}) s left join lateral (
    select {columns} from {schema}.outbox
    where shard = any($1::smallint[]) and outbox_id > $2 order by outbox_id limit $3) o on true"""
# A refused snapshot goes with the first later one of its key that the bus has.
TAKEN = """with gone as (delete from {schema}.outbox where outbox_id = any($1)
    returning outbox_id, topic, key)
    delete from {schema}.outbox_refused r using gone g
    where r.topic = g.topic and r.key = g.key and r.outbox_id < g.outbox_id and r.topic = any($2)
        returning r.topic, r.key"""
SNAPSHOTS = tuple(topic.name for topic in ALL.values() if topic.kind is TopicKind.SNAPSHOT)
WAITED_OUT: tuple[type[BaseException], ...] = (BusUnavailable, *DATABASE_FAULTS)


@dataclass
class Relay:
    """One process's relay. Several may run for one service; they share the shards."""

    db: Database
    bus: Bus
    refused: Refused
    session_timeout_s: float = 6.0
    snapshots: Sequence[str] = SNAPSHOTS
    #: Called when something is on the bus, and no row any more.
    progress: News = field(default_factory=News)
    _woken: Wake = field(default_factory=Wake)
    _floor: Floor = field(default_factory=Floor)
    #: Whose rows the floor is of.
    _looked_at: frozenset[Share] = frozenset()
    _retried_at: float = 0.0

    def wake(self) -> None:
        """Look at the outbox now: a transaction of this process told something. Polling finds the rows
        anyway, later."""
        self._woken.call()

    async def run(self) -> None:
        """Relay until cancelled; outages of the bus or the database are waited out."""
        shards = Membership(
            self.db.pool,
            f"{self.db.schema}.outbox",
            [("outbox", n) for n in range(OUTBOX_SHARDS)],
            self.session_timeout_s,
        )
        measuring = asyncio.create_task(self._measure_on(), name="outbox-metrics")
        try:
            await self._relay_on(shards)
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
            await asyncio.shield(shards.leave())

    async def _relay_on(self, shards: Membership) -> None:
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                relayed = await self._relay_once(shards)
                await self._retry_refused(shards)
                backoff_s = BACKOFF_MIN_S
            except WAITED_OUT as fault:
                log.warning("relay_waits", service=self.db.schema, fault=repr(fault), backoff_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
                continue
            if relayed < ROWS_MAX:
                await asyncio.sleep(min(relayed * REST_A_ROW_S, REST_MAX_S))
                await self._woken.wait(POLL_ALONE_S if shards.alone else POLL_S)

    async def _relay_once(self, shards: Membership) -> int:
        owned = await shards.settle()
        if not owned:
            return 0
        if owned != self._looked_at:
            self._floor, self._looked_at = Floor(), owned
        rows, look = await self._waiting(shards)
        if rows:
            await self._relay(shards, rows)
        self._floor.looked(look)
        return len(rows)

    async def _relay(self, shards: Membership, rows: Sequence[WaitingMessage]) -> None:
        """Put these on the bus and delete them, or set them aside."""
        failpoints.reach("relay.before_publish")
        refused = await self._deliver(rows)
        failpoints.reach("relay.after_publish")
        if refused:
            await self.refused.set_aside(refused)
        aside = {row.outbox_id for row, _ in refused}
        taken = [row.outbox_id for row in rows if row.outbox_id not in aside]
        superseded = await shards.fetch(TAKEN.format(schema=self.db.schema), taken, list(self.snapshots))
        if superseded:
            await self.refused.superseded([MessageKey(**row) for row in superseded])
        metrics.RELAYED.labels(self.db.schema).inc(len(taken))
        self.progress.call()

    async def _waiting(self, shards: Membership) -> tuple[list[WaitingMessage], Look]:
        """The next rows of our shards, and what the look knows of the rest once they are gone."""
        sql = WAITING.format(snapshot=SNAPSHOT, columns=names_of(WaitingMessage), schema=self.db.schema)
        owned = [number for _, number in self._looked_at]
        found = await shards.fetch(sql, owned, self._floor.start(), ROWS_MAX)
        rows = [read(WaitingMessage, row) for row in found if row["outbox_id"] is not None]
        last = rows[-1].outbox_id if rows else None
        return rows, Look(last, found[0]["oldest_xid"], found[0]["next_xid"])

    async def _deliver(self, rows: Sequence[WaitingMessage]) -> list[tuple[WaitingMessage, str]]:
        """Publish the rows, in halves where the bus refuses some; return those it refuses alone, each with
        its answer."""
        try:
            await self._publish(list(rows))
            return []
        except RecordsRefused as fault:
            if len(rows) == 1:
                return [(rows[0], str(fault))]
        half = len(rows) // 2
        return [*await self._deliver(rows[:half]), *await self._deliver(rows[half:])]

    async def _retry_refused(self, shards: Membership) -> None:
        """Try again what was refused and is due, one by one. A relay that has lost its shards meanwhile does
        no harm: what it says was said."""
        now = asyncio.get_running_loop().time()
        if now < self._retried_at + min(self.refused.retry_min_s, RETRY_LOOK_S):
            return
        self._retried_at = now
        for row in await self.refused.due([number for _, number in shards.owned]):
            answer = await self._deliver([row])
            await (self.refused.refused_again(row, answer[0][1]) if answer else self.refused.taken(row))

    async def _publish(self, rows: list[WaitingMessage]) -> None:
        """All topics at once: the bus commits them together where it can. Rows are deleted only when all of
        them are there."""
        by_topic = groupby(
            sorted(rows, key=lambda row: (row.topic, row.outbox_id)), key=lambda row: row.topic
        )
        published = [
            asyncio.ensure_future(self.bus.publish(topic, [_record(row) for row in group]))
            for topic, group in by_topic
        ]
        for outcome in await asyncio.gather(*published, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _measure_on(self) -> None:
        while True:
            try:
                row = await self.db.pool.fetchrow(
                    f"""select count(*) as depth, extract(epoch from clock_timestamp() -
                        min(created_at))::float8 as age_s
                        from {self.db.schema}.outbox"""
                )
                assert row is not None
                depth, age_s = row
                metrics.OUTBOX_DEPTH.labels(self.db.schema).set(depth)
                metrics.OUTBOX_AGE.labels(self.db.schema).set(age_s or 0)
                await self.refused.measure()
                metrics.OUTBOX_REFUSED.labels(self.db.schema).set(self.refused.open)
            except DATABASE_FAULTS as fault:
                log.debug("outbox_unmeasured", fault=repr(fault))
            await asyncio.sleep(MEASURE_EVERY_S)


def _record(row: WaitingMessage) -> Record:
    headers = tuple((name, value.encode()) for name, value in row.headers.items())
    return Record(row.key, row.value, headers, row.partition)
