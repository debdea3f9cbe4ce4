"""An idempotent Kafka producer that is thrown away on any error: its state after one is nobody's to guess."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)

from shared.bus import BusUnavailable, Record, RecordsRefused
from shared.bus.kafka_access import KafkaAccess
from shared.bus.partitioner import partition_of
from shared.topics.registry import MESSAGE_MAX_BYTES

log = structlog.get_logger()
BATCH_MAX_BYTES = 900_000
REQUEST_TIMEOUT_MS = 5_000
RETRY_PAUSE_S = 0.1
FAREWELL_S = 5.0
#: What a broker answers about the records themselves, or our right to them: it will answer the same the next
#: time.
REFUSALS: tuple[type[KafkaError], ...] = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    PolicyViolationError,
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)


class KafkaPublisher:
    """Appends records in hand-built batches, one or more a partition, and returns when every in-sync replica
    has them.

    A resend after an error may put a record on the topic twice; facts and snapshots make that harmless.
    """

    def __init__(self, access: KafkaAccess, partitions: Mapping[str, int], timeout_s: float) -> None:
        self._access, self._partitions, self._timeout_s = access, partitions, timeout_s
        self._producer: AIOKafkaProducer = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def send(self, topics: Mapping[str, Sequence[Record]]) -> None:
        """Raise BusUnavailable when the brokers did not acknowledge everything in time, RecordsRefused when
        they never will."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send_until_taken(topics)
        except TimeoutError as fault:
            self._throw_away()
            raise BusUnavailable(f"Kafka did not acknowledge within {self._timeout_s} s") from fault

    async def close(self) -> None:
        self._throw_away()
        await asyncio.gather(*self._farewells, return_exceptions=True)

    async def _send_until_taken(self, topics: Mapping[str, Sequence[Record]]) -> None:
        while True:
            try:
                await self._send_once(await self._ready(), topics)
                return
            except REFUSALS as fault:
                self._throw_away()
                raise RecordsRefused(
                    f"Kafka refuses what was sent to {', '.join(sorted(topics))}: {fault!r}"
                ) from fault
            except (KafkaError, OSError) as fault:
                log.warning("producer_thrown_away", fault=repr(fault))
                self._throw_away()
                await asyncio.sleep(RETRY_PAUSE_S)

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._access.client(),
                enable_idempotence=True,
                acks="all",
                max_batch_size=BATCH_MAX_BYTES,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                retry_backoff_ms=100,
                metadata_max_age_ms=60_000,
            )
            try:
                await producer.start()
            except BaseException:
                self._bid_farewell(producer)
                raise
            self._producer = producer
        return self._producer

    async def _send_once(self, producer: AIOKafkaProducer, topics: Mapping[str, Sequence[Record]]) -> None:
        waiting: list[asyncio.Future[Any]] = []
        try:
            for topic, records in topics.items():
                for partition, run in self._by_partition(topic, records).items():
                    for batch in _batches(producer, run):
                        # only a single record makes a batch larger than BATCH_MAX_BYTES
                        if batch.size() > MESSAGE_MAX_BYTES:
                            raise RecordsRefused(
                                f"{topic} takes {MESSAGE_MAX_BYTES} bytes in one piece, and a record comes to {batch.size()}"
                            )
                        waiting.append(await producer.send_batch(batch, topic, partition=partition))
            if waiting:
                await asyncio.wait(waiting)
            for future in waiting:
                future.result()
        finally:
            # Left behind in a timeout: whatever becomes of them is heard.
            for future in waiting:
                future.add_done_callback(_heard)

    def _by_partition(self, topic: str, records: Sequence[Record]) -> dict[int, list[Record]]:
        count = self._partitions[topic]
        runs: dict[int, list[Record]] = {}
        for record in records:
            place = partition_of(record.key, count) if record.partition is None else record.partition
            runs.setdefault(place, []).append(record)
        return runs

    def _throw_away(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self._bid_farewell(producer)

    def _bid_farewell(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(_stop(producer), name="kafka-producer-farewell")
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


def _batches(producer: AIOKafkaProducer, records: Sequence[Record]) -> list[Any]:
    """Kafka record batches of the records, in order, each as full as a request may carry."""
    batches = [producer.create_batch()]
    for record in records:
        if (
            batches[-1].append(
                key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
            )
            is None
        ):
            batches[-1].close()
            batches.append(producer.create_batch())
            batches[-1].append(
                key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
            )
    batches[-1].close()
    return batches


def _heard(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


async def _stop(producer: AIOKafkaProducer) -> None:
    """End a producer that may hold batches no broker will take: fail them first, else its own stop() would
    wait for them for ever."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError, asyncio.CancelledError):
        producer._message_accumulator.fail_all(KafkaError("the producer was thrown away"))
        await producer.client.close()
        await asyncio.wait_for(producer.stop(), FAREWELL_S)
