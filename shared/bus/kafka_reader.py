"""Reads Kafka outside any group: bounds of partitions, and single runs for traces, repairs and hash
checks."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError, for_code
from aiokafka.protocol.fetch import FetchRequest

from shared.bus import BusUnavailable, Polled
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_batches import batches_of, run_of_batches
from shared.bus.postgres_segments import Bounds
from shared.topics import Topic

TIMEOUT_S = 10.0
REQUEST_TIMEOUT_MS = 5_000
METADATA_MAX_AGE_MS = 10_000
#: A larger batch comes whole all the same.
FETCH_BYTES, ONE_BATCH_BYTES = 1 << 20, 1
READ_COMMITTED = 1
# a producer writes any stamp, or none; behind 2100 it says nothing
EPOCH, STAMP_MAX_MS = (
    datetime(1970, 1, 1, tzinfo=UTC),
    4_102_444_800_000,
)


class KafkaReader:
    """Two clients without a group, shared by all askers of a process, one question at a time: one for bounds,
    one for the log's own bytes.

    Heads count what is not committed yet: what other producers were told is durable may lie behind an open
    transaction. Reading gives only committed records, so it ends before one.
    """

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._consumer: AIOKafkaConsumer = None
        self._client: Any = None
        self._one_at_a_time = asyncio.Lock()
        self._wanted: set[Any] = set()
        self._round: asyncio.Task[Any] | None = None

    async def heads(self, topic: str, partitions: int) -> dict[int, int]:
        """Partition → next offset, as it is after this call began. Whoever asks before a round is sent shares
        it."""
        places = [TopicPartition(topic, n) for n in range(partitions)]
        self._wanted.update(places)
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._ask_heads(), name="kafka-heads")
        found = await asyncio.shield(self._round)
        return {place.partition: found[place] for place in places}

    async def bounds(self, topic: str, partitions: int) -> dict[int, Bounds]:
        """Partition → first and next offset. Raises BusUnavailable."""
        async with self._asking() as consumer:
            return await self._bounds(consumer, [TopicPartition(topic, n) for n in range(partitions)])

    async def read(self, topic: str, partition: int, start: int, records_max: int) -> Polled:
        """A run from `start` on; empty at the head. Offsets removed by compaction or retention, or aborted,
        are skipped; see `run_of_batches`."""
        place = TopicPartition(topic, partition)
        async with self._asking() as consumer:
            held = (await self._bounds(consumer, [place]))[partition]
            begin = at = max(start, held.first)
            while at < held.head:
                run = run_of_batches(topic, partition, at, *await self._fetch(place, at), records_max)
                if run.records or run.end == at:
                    return replace(run, start=start)
                at = run.end
        return Polled(topic, partition, start, at if at > begin else start, [], [])

    async def written_at(self, topic: str, partition: int, offset: int) -> datetime | None:
        """The time of the batch that holds the first committed record at or after `offset`, as its producer
        or the broker wrote it. One request, and that batch alone; two more where the log begins later."""
        place = TopicPartition(topic, partition)
        async with self._asking() as consumer:
            try:
                fetched = await self._fetch(place, offset, ONE_BATCH_BYTES)
            except OffsetOutOfRangeError:
                first = (await self._bounds(consumer, [place]))[partition].first
                fetched = await self._fetch(place, first, ONE_BATCH_BYTES) if offset < first else (b"", [])
        newest_ms = next((batch.newest_ms for batch in batches_of(fetched[0]) if batch.end > offset), None)
        if newest_ms is None:
            return None
        return datetime.fromtimestamp(newest_ms / 1000, UTC) if 0 < newest_ms < STAMP_MAX_MS else EPOCH

    async def close(self) -> None:
        await self._drop()

    async def _ask_heads(self) -> AIOKafkaConsumer:
        async with self._asking() as consumer:
            wanted, self._wanted, self._round = self._wanted, set(), None
            return await consumer.end_offsets(wanted)

    async def _bounds(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> dict[int, Bounds]:
        first, head = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        return {place.partition: Bounds(first[place], head[place]) for place in places}

    @contextlib.asynccontextmanager
    async def _asking(self) -> AIOKafkaConsumer:
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    yield await self._ready()
            except (KafkaError, OSError, TimeoutError) as fault:
                await self._drop()
                raise BusUnavailable(f"Kafka does not answer: {fault!r}") from fault

    async def _ready(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._access.client(),
                enable_auto_commit=False,
                auto_offset_reset="none",
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                metadata_max_age_ms=METADATA_MAX_AGE_MS,
            )
            try:
                await consumer.start()
            except BaseException:
                await stop_consumer(consumer)
                raise
            self._consumer = consumer
        return self._consumer

    async def _fetch(
        self, place: TopicPartition, offset: int, bytes_max: int = FETCH_BYTES
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """Whole batches as the broker holds them, beginning with that of `offset`, which comes however large it is, and
        (producer, first offset) of aborted transactions."""
        if self._client is None:
            client = AIOKafkaClient(
                **self._access.client(),
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                metadata_max_age_ms=METADATA_MAX_AGE_MS,
            )
            try:
                await client.bootstrap()
            except BaseException:
                await client.close()
                raise
            self._client = client
        await self._client.add_topic(place.topic)
        leader = self._client.cluster.leader_for_partition(place)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(str(place))
        asked = [(place.topic, [(place.partition, offset, bytes_max)])]
        response = await self._client.send(leader, FetchRequest(0, 1, bytes_max, READ_COMMITTED, asked))
        [(_, [(_, error, _, *rest)])] = response.topics
        if error:
            raise for_code(error)(f"{place} at offset {offset}")
        aborted, fetched = rest[2] if response.API_VERSION >= 11 else rest[-2], rest[-1]
        return bytes(fetched or b""), list(aborted or ())

    async def _drop(self) -> None:
        (consumer, self._consumer), (client, self._client) = (self._consumer, None), (self._client, None)
        if consumer is not None:
            await stop_consumer(consumer)
        if client is not None:
            with contextlib.suppress(KafkaError, OSError):
                await client.close()


@dataclass(frozen=True, slots=True)
class KafkaLog:
    """Implements `shared.bus.Log` for whoever has no part in the bus: a check of the books."""

    reader: KafkaReader
    topics: Mapping[str, Topic]

    async def heads(self, topic: str) -> Mapping[int, int]:
        return await self.reader.heads(topic, self.topics[topic].partitions)

    async def read(self, topic: str, partition: int, start: int, records_max: int) -> Polled:
        return await self.reader.read(topic, partition, start, records_max)

    async def written_at(self, topic: str, partition: int, offset: int) -> datetime | None:
        return await self.reader.written_at(topic, partition, offset)


async def stop_consumer(consumer: AIOKafkaConsumer, timeout_s: float = 3.0) -> None:
    """Leave the group where it can be reached; a broker that is away is not waited for."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(consumer.stop(), timeout_s)
