"""Reads Kafka outside any group: bounds of partitions, and single runs for traces, repairs and hash checks."""

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus import BusUnavailable, Polled, Record
from shared.bus.postgres_segments import Bounds

TIMEOUT_S = 10.0
WAIT_MS = 200


class KafkaReader:
    """One consumer without a group, shared by all askers of a process, one question at a time."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._consumer: Any = None
        self._one_at_a_time = asyncio.Lock()
        self._wanted: set[Any] = set()
        self._round: asyncio.Task[Any] | None = None

    async def heads(self, topic: str, partitions: int) -> dict[int, int]:
        """Partition → next offset, as it is after this call began. Whoever asks before a round is sent shares it."""
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
        """A run from `start` on; empty at the head. Offsets removed by compaction or retention are skipped."""
        place = TopicPartition(topic, partition)
        async with self._asking() as consumer:
            held = (await self._bounds(consumer, [place]))[partition]
            found: list[Any] = []
            if max(start, held.first) < held.head:
                consumer.assign([place])
                consumer.seek(place, max(start, held.first))
                while not found and await consumer.position(place) < held.head:    # what is left may be markers of transactions
                    found = (await consumer.getmany(place, timeout_ms=WAIT_MS, max_records=records_max)).get(place, [])
        return run_of(topic, partition, start, found)

    async def close(self) -> None:
        await self._drop()

    async def _ask_heads(self) -> Any:
        async with self._asking() as consumer:
            wanted, self._wanted, self._round = self._wanted, set(), None
            return await consumer.end_offsets(wanted)

    async def _bounds(self, consumer: Any, places: list[Any]) -> dict[int, Bounds]:
        first, head = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        return {place.partition: Bounds(first[place], head[place]) for place in places}

    @contextlib.asynccontextmanager
    async def _asking(self) -> Any:
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    yield await self._ready()
            except (KafkaError, OSError, TimeoutError) as fault:
                await self._drop()
                raise BusUnavailable(f"Kafka does not answer: {fault!r}") from fault

    async def _ready(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._brokers, enable_auto_commit=False, auto_offset_reset="none", request_timeout_ms=5_000,
                max_partition_fetch_bytes=1 << 20, metadata_max_age_ms=10_000,
            )
            try:
                await consumer.start()
            except BaseException:
                await stop_consumer(consumer)
                raise
            self._consumer = consumer
        return self._consumer

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)


async def stop_consumer(consumer: Any, timeout_s: float = 3.0) -> None:
    """Leave the group where it can be reached; a broker that is away is not waited for."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(consumer.stop(), timeout_s)


def run_of(topic: str, partition: int, start: int, found: list[Any]) -> Polled:
    """aiokafka's records as a run that begins at `start`, whatever was removed before or between them."""
    records = [Record(message.key or b"", message.value or b"", tuple(message.headers)) for message in found]
    offsets = [message.offset for message in found]
    return Polled(topic, partition, start, offsets[-1] + 1 if offsets else start, records, offsets)
