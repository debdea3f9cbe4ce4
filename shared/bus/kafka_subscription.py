"""A consumer's membership of a Kafka group. Kafka shares the partitions; the positions come from Postgres,
always."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.bus import BusUnavailable, Polled, Record, positions
from shared.bus.faults import DATABASE_FAULTS
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_batches import UNDECODABLE
from shared.bus.kafka_codecs import bound_the_client
from shared.bus.kafka_reader import KafkaReader, stop_consumer
from shared.topics import Topic, TopicKind

log = structlog.get_logger()
FETCH_BYTES = 4 << 20
#: So long the broker holds a fetch that finds nothing; it answers at once when there is something.
FETCH_WAIT_MS = 1000
COMMIT_EVERY_S = 5.0
RETRY_S = 0.05
#: An outage of the database must not cost the membership.
MAX_POLL_INTERVAL_MS = 30 * 60_000
HEARTBEATS_PER_SESSION = 4
unpacking = bound_the_client()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the subscription that partitions have to be placed again. They are paused until their positions
    are read."""

    def __init__(self, subscription: "KafkaSubscription") -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._subscription.forget(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._subscription.unplaced(assigned)


@dataclass
class KafkaSubscription:
    """Implements `shared.bus.Subscription`."""

    pool: asyncpg.Pool
    access: KafkaAccess
    group: str
    topics: Mapping[str, Topic]
    reader: KafkaReader
    session_timeout_s: float
    _consumer: AIOKafkaConsumer = None
    _next: dict[Any, int] = field(default_factory=dict)  # placed partition → next offset to return
    _unplaced: set[Any] = field(default_factory=set)
    _commit: asyncio.Task[None] | None = None
    _committed_at: float = 0.0

    async def poll(self, records_max: int, timeout_s: float) -> list[Polled]:
        """See `Subscription.poll`. Raises BusUnavailable in an outage, LogFault when a log is not what it
        was."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        try:
            await self._ready()
            while True:
                await self._place()
                runs = await self._fetch(records_max, max(deadline - loop.time(), 0))
                if runs or loop.time() >= deadline:
                    self._show_progress(loop.time())
                    return runs
        except DATABASE_FAULTS as fault:
            raise BusUnavailable(f"the positions cannot be read: {fault!r}") from fault
        except KafkaError as fault:
            await self._drop()
            raise BusUnavailable(f"Kafka does not answer: {fault!r}") from fault

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        place = TopicPartition(topic, partition)
        if place in self._next:
            self._go_to(place, offset, offset)

    def hurry(self) -> None:
        """A fetch waits at the broker, which answers it as soon as there is something."""

    def assigned(self) -> frozenset[tuple[str, int]]:
        return frozenset((place.topic, place.partition) for place in self._next)

    async def close(self) -> None:
        await self._drop()
        await self.reader.close()

    def forget(self, revoked: Collection[TopicPartition]) -> None:
        """Called by the listener, before a rebalance."""
        for place in revoked:
            self._next.pop(place, None)
            self._unplaced.discard(place)

    def unplaced(self, assigned: Collection[TopicPartition]) -> None:
        """Called by the listener, after a rebalance."""
        self._unplaced = set(assigned)
        self._consumer.pause(*assigned)

    async def _ready(self) -> None:
        if self._consumer is not None:
            return
        session_ms = int(self.session_timeout_s * 1000)
        consumer = AIOKafkaConsumer(
            **self.access.client(),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // HEARTBEATS_PER_SESSION,
            rebalance_timeout_ms=session_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=max(session_ms + 1_000, 5_000),
            retry_backoff_ms=100,
            metadata_max_age_ms=10_000,
            isolation_level="read_committed",  # products may write usage.raw in transactions
        )
        self._consumer = consumer
        consumer.subscribe(list(self.topics), listener=_Listener(self))
        try:
            await consumer.start()
        except BaseException:
            await self._drop()
            raise

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._next.clear()
        self._unplaced.clear()
        if self._commit is not None:
            self._commit.cancel()
        if consumer is not None:
            await stop_consumer(consumer)

    async def _place(self) -> None:
        """Read the committed position of every new partition from Postgres, compare the log with it, and
        seek."""
        for place in sorted(self._unplaced):
            offset, first = await self._verified_position(place)
            if place in self._unplaced:  # no rebalance has taken it meanwhile
                self._unplaced.discard(place)
                self._go_to(place, offset, max(offset, first))

    async def _verified_position(self, place: TopicPartition) -> tuple[int, int]:
        """The committed position and the first offset the log still holds: later only where compaction or
        retention may take records."""
        topic, partition = place
        position = await positions.load(self.pool, self.group, topic, partition)
        held = (await self.reader.bounds(topic, self.topics[topic].partitions))[partition]
        before = await self._record_before(topic, partition, position.offset)
        lossy = self.topics[topic].kind is TopicKind.SNAPSHOT
        log = positions.Held(held.first, held.head, before, lossy)
        positions.verify(self.group, topic, partition, position, log)
        return position.offset, held.first

    async def _record_before(self, topic: str, partition: int, offset: int) -> Record | None:
        if offset == 0:
            return None
        run = await self.reader.read(topic, partition, offset - 1, 1)
        return run.records[0] if run.offsets and run.offsets[0] == offset - 1 else None

    def _go_to(self, place: TopicPartition, offset: int, read_from: int) -> None:
        """Continue after the offsets below `offset`. The first run begins there, also when its records begin
        at `read_from`."""
        try:
            self._consumer.seek(place, read_from)
            self._consumer.resume(place)
            self._next[place] = offset
        except IllegalStateError:
            # A rebalance took it: the listener will say so.
            self._next.pop(place, None)

    async def _fetch(self, records_max: int, timeout_s: float) -> list[Polled]:
        if not self._next:
            await asyncio.sleep(min(RETRY_S, timeout_s))
            return []
        try:
            await self._stand_where_left()
            unpacking.begin()
            found = await asyncio.wait_for(
                self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=records_max),
                timeout_s + 1,
            )
            if found:
                found |= await self._rest(records_max, found)
        except TimeoutError:  # a rebalance is going on
            return []
        except NoOffsetForPartitionError:  # asked before it was placed
            await asyncio.sleep(RETRY_S)
            return []
        # the log changed under us: look at it again, which says what happened
        except OffsetOutOfRangeError as fault:
            log.warning("offset_out_of_range", group=self.group, fault=repr(fault))
            self._unplaced |= set(self._next)
            return []
        except UNDECODABLE as fault:
            log.warning("batch_undecodable", group=self.group, fault=repr(fault))
            return await self._carefully(records_max)
        return await self._passed_over(
            [run for place, messages in found.items() if (run := self._run(place, messages)) is not None]
        )

    async def _rest(
        self, records_max: int, found: Mapping[TopicPartition, object]
    ) -> dict[TopicPartition, list[Any]]:
        """What other partitions hold ready, so that every one has its share of a round."""
        rest: dict[TopicPartition, list[Any]] = {}
        for place in self._next.keys() - found.keys():
            rest |= await self._consumer.getmany(place, timeout_ms=0, max_records=records_max)
        return rest

    def _run(self, place: TopicPartition, messages: list[Any]) -> Polled | None:
        start = self._next.get(place)
        if start is None:
            return None
        fresh = (
            [message for message in messages if message.offset >= start]
            if messages[0].offset < start
            else messages
        )
        if not fresh:
            return None
        run = run_of(place.topic, place.partition, start, fresh)
        self._next[place] = run.end
        return run

    async def _passed_over(self, runs: list[Polled]) -> list[Polled]:
        """The same runs, and what the client passed over behind them or alone: markers and aborted records of
        foreign transactions.

        A position that stood before a marker would stand there for ever: nothing else need ever follow it.
        """
        by_place = {TopicPartition(run.topic, run.partition): run for run in runs}
        for place in self._foreign():
            end, start = await self._position(place), self._next.get(place)
            if end is not None and start is not None:
                run = by_place.get(place, Polled(place.topic, place.partition, start, start, [], []))
                if end > run.start:
                    by_place[place] = replace(run, end=end, complete=True)
                    self._next[place] = end
        return list(by_place.values())

    async def _stand_where_left(self) -> None:
        """Where foreign records may leave holes none is proof of a loss, so the client must begin exactly
        where the last run ended."""
        for place in self._foreign():
            at, left = await self._position(place), self._next.get(place)
            if left is not None and at != left:
                self._go_to(place, left, left)

    def _foreign(self) -> list[Any]:
        """What others than this product write, in whatever way their clients do."""
        return [place for place in self._next if self.topics[place.topic].message is None]

    async def _position(self, place: TopicPartition) -> int | None:
        """Where the client reads on; None when a rebalance took the partition."""
        try:
            at: int = await self._consumer.position(place)
        except IllegalStateError:
            return None
        return at

    async def _carefully(self, records_max: int) -> list[Polled]:
        """One run a partition, decoded batch by batch: what nobody can decode comes alone. The client
        follows; what it held ready is read again."""
        for place, start in list(self._next.items()):
            self._go_to(place, start, start)
        runs = []
        for place, start in sorted(self._next.items()):
            run = await self.reader.read(place.topic, place.partition, start, records_max)
            if run.end > start and place in self._next:  # no rebalance has taken it meanwhile
                self._go_to(place, run.end, run.end)
                runs.append(replace(run, complete=run.complete or place in self._foreign()))
        return runs

    def _show_progress(self, now: float) -> None:
        """Commit to Kafka for its tools to show; nobody reads it back."""
        if (
            now - self._committed_at < COMMIT_EVERY_S
            or not self._next
            or (self._commit and not self._commit.done())
        ):
            return
        self._committed_at = now
        self._commit = asyncio.create_task(
            self._commit_quietly(self._consumer, dict(self._next)), name="kafka-display-commit"
        )

    async def _commit_quietly(self, consumer: AIOKafkaConsumer, offsets: dict[Any, int]) -> None:
        try:
            await consumer.commit(offsets)
        except (KafkaError, OSError, ValueError) as fault:
            log.debug("display_commit_failed", group=self.group, fault=repr(fault))


def run_of(topic: str, partition: int, start: int, found: Sequence[Any]) -> Polled:
    """The client's records as a run that begins at `start`, whatever was removed before or between them. Null
    is read as empty."""
    records = [
        Record(message.key or b"", message.value or b"", _headers(message.headers)) for message in found
    ]
    offsets = [message.offset for message in found]
    return Polled(topic, partition, start, offsets[-1] + 1, records, offsets)


def _headers(found: Sequence[tuple[str, bytes | None]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, text or b"") for name, text in found) if found else ()
