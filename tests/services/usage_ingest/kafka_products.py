"""Products that write to usage.raw themselves: a real broker, librdkafka as their client, a door behind it,
and a log that was damaged."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_topics import ensure_topics
from shared.topics import ALL, Topic
from shared.topics.usage_ingest import USAGE_EVENTS, USAGE_RAW, UsageMessage
from tests.services.usage_ingest.conftest import Door
from u2c.deployment.kafka_broker import KafkaBroker

WAIT_S = 60.0
Headers = Sequence[tuple[str, bytes | None]]
Sent = tuple[bytes | None, bytes | None, Headers]  # key, value, headers


@dataclass
class Products:
    """What a product does, and what became of it."""

    broker: KafkaBroker
    door: Door
    damaged: dict[str, bytes]  # batches nobody can decode, by what was done to them
    watcher: Consumer

    def send(self, partition: int, *records: Sent, **settings: Any) -> None:
        """Write records (key, value, headers) and wait until the broker has them."""
        send(self.broker.brokers, partition, records, **settings)

    def transactional(self, name: str) -> Producer:
        producer = Producer({"bootstrap.servers": self.broker.brokers, "transactional.id": name})
        producer.init_transactions(WAIT_S)
        return producer

    def heads(self) -> dict[int, int]:
        """Partition → next offset of usage.raw, what is not committed included."""
        return {
            n: self.watcher.get_watermark_offsets(TopicPartition(USAGE_RAW.name, n), WAIT_S)[1]
            for n in range(USAGE_RAW.partitions)
        }

    async def positions(self) -> dict[int, int]:
        rows = await self.door.fetch(
            "select partition, position from bus.positions where topic = 'usage.raw'"
        )
        return {row["partition"]: row["position"] for row in rows}

    async def taken(self) -> bool:
        """Whether the door has passed everything: what a period's close waits for."""
        return await self.positions() == await asyncio.to_thread(self.heads)

    async def gaps(self) -> int:
        """Places where the batch rows of usage.raw do not tile the log (K1)."""
        rows = await self.door.fetch("""
            select from_offset, lag(to_offset, 1, 0::bigint) over (partition by partition
                order by from_offset) as expected
            from bus.batches where topic = 'usage.raw'""")
        return sum(row["from_offset"] != row["expected"] for row in rows)

    def usage(self, source: str) -> list[UsageMessage]:
        """What of this source is on usage.events."""
        return [
            one
            for one in map(USAGE_EVENTS.decode, everything(self.broker.brokers, USAGE_EVENTS))
            if one.source == source
        ]

    async def quarantined(self, partition: int) -> list[tuple[int, str, bytes]]:
        """(offset, code, bytes) of what came by this partition, in its order."""
        rows = await self.door.fetch(
            """select (split_part(split_part(key_id, ':', 3), '-', 1))::bigint + index_ as at, code, raw
                from usage_ingest.quarantine
               where key_id like $1 order by 1""",
            f"usage.raw:{partition}:%",
        )
        return [(row["at"], row["code"], row["raw"]) for row in rows]


@contextmanager
def looking(brokers: str) -> Iterator[Consumer]:
    """A consumer without a group of its own; what is not committed is read too."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "look",
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted",
            "enable.partition.eof": True,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def send(brokers: str, partition: int, records: Sequence[Sent], **settings: Any) -> None:
    failed: list[Any] = []

    def heard(fault: Any, _message: Any) -> None:
        failed.extend([fault] if fault else [])

    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "linger.ms": 500,
            "message.max.bytes": 4 << 20,
            **{name.replace("_", "."): v for name, v in settings.items()},
        }
    )
    for key, value, headers in records:
        producer.produce(USAGE_RAW.name, value, key, partition, on_delivery=heard, headers=list(headers))
    assert producer.flush(WAIT_S) == 0 and not failed, failed


def say(brokers: str, topic: Topic, *messages: Any) -> None:
    """Say these on the bus, as rating would."""
    producer = Producer({"bootstrap.servers": brokers})
    for number, message in enumerate(messages):
        producer.produce(topic.name, topic.encode(message), str(number).encode())
    assert producer.flush(WAIT_S) == 0


def everything(brokers: str, topic: Topic) -> list[bytes]:
    """The values of all records of a topic."""
    found: list[bytes] = []
    with looking(brokers) as consumer:
        consumer.assign([TopicPartition(topic.name, n, OFFSET_BEGINNING) for n in range(topic.partitions)])
        ended, deadline = 0, time.monotonic() + WAIT_S
        while ended < topic.partitions:
            assert time.monotonic() < deadline, f"{topic.name} has no end"
            message = consumer.poll(1.0)
            if message is None:
                continue
            fault = message.error()
            if fault is not None:
                assert fault.code() == KafkaError._PARTITION_EOF, fault
                ended += 1
                continue
            value = message.value()
            assert value is not None
            found.append(value)
    return found


async def create_topics(brokers: str) -> None:
    await ensure_topics(KafkaAccess(brokers), ALL)
