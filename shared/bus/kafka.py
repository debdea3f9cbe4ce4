"""The bus on Kafka, for anything beyond one machine. Kafka keeps the records and shares the partitions;
positions and effects are Postgres's.

Its transactions are not part of the promise. That rests on an idempotent producer, which is thrown away on
any error, and on effects and positions that commit in one Postgres transaction.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from shared.bus import BusUnavailable, Polled, Record, Subscription, positions
from shared.bus.cluster import remember_cluster
from shared.bus.group_commit import GroupCommit
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_producer import KafkaPublisher
from shared.bus.kafka_reader import KafkaReader
from shared.bus.kafka_subscription import KafkaSubscription
from shared.bus.kafka_topics import ensure_topics
from shared.db.unit_of_work import OUTAGES
from shared.topics import ALL, Topic

# The client writes a line for every attempt of every connection, 150 a second while a broker is away. What
# matters of it our own code
# says: publishes that fail, producers thrown away, polls that wait, heads that nobody answers.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@dataclass
class KafkaBus:
    """Implements `shared.bus.Bus`."""

    pool: asyncpg.Pool
    access: KafkaAccess
    topics: Mapping[str, Topic] = field(default_factory=lambda: ALL)
    session_timeout_s: float = 6.0
    publish_timeout_s: float = 10.0
    durability_note: str | None = None
    _publisher: KafkaPublisher = field(init=False)
    _commits: GroupCommit = field(init=False)
    _reader: KafkaReader = field(init=False)

    def __post_init__(self) -> None:
        self._publisher = KafkaPublisher(
            self.access,
            {topic.name: topic.partitions for topic in self.topics.values()},
            self.publish_timeout_s,
        )
        self._commits = GroupCommit(self._publisher.send)
        self._reader = KafkaReader(self.access)

    async def start(self) -> None:
        cluster = await ensure_topics(self.access, self.topics)
        await remember_cluster(self.pool, "kafka", cluster.cluster_id)
        self.durability_note = cluster.durability_note

    async def stop(self) -> None:
        await self._commits.stop()
        await self._publisher.close()
        await self._reader.close()

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        assert topic in self.topics, f"{topic} is not in the topic registry"
        await self._commits.add(topic, records)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        heard = {topic: self.topics[topic] for topic in topics}
        return KafkaSubscription(
            self.pool, self.access, group, heard, KafkaReader(self.access), self.session_timeout_s
        )

    async def heads(self, topic: str) -> Mapping[int, int]:
        return await self._reader.heads(topic, self.topics[topic].partitions)

    async def positions(self, group: str, topic: str) -> Mapping[int, int]:
        try:
            return await positions.of_topic(self.pool, group, topic, self.topics[topic].partitions)
        except OUTAGES as fault:
            raise BusUnavailable(f"the positions cannot be read: {fault!r}") from fault

    async def read(self, topic: str, partition: int, start: int, records_max: int) -> Polled:
        return await self._reader.read(topic, partition, start, records_max)

    async def written_at(self, topic: str, partition: int, offset: int) -> datetime | None:
        return await self._reader.written_at(topic, partition, offset)
