"""Kafka under the conformance suite: a real broker, killed and started again."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import randbytes
from typing import Any
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import PolicyViolationError
from aiokafka.structs import TopicPartition

from shared.bus import Record
from shared.bus.dead_letters import dead_letters
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_reader import KafkaReader
from shared.bus.kafka_topics import ensure_topics, settings_of
from shared.environment_fault import EnvironmentFault
from shared.topics import Topic
from tests.conftest import TestDatabase, TestServer
from tests.needs import NEEDS_KAFKA
from tests.shared.bus.arena import GROUP, K1, Arena
from tests.shared.bus.conformance import BusConformance, until_effects
from tests.shared.bus.damage import batches_on_disk, damage
from tests.shared.bus.refusals import RULE_BYTES, RefusalCases
from tests.shared.bus.topics import FACTS, PAGES, STATES, TOPICS
from u2c.deployment.kafka_broker import KafkaBroker


async def _configure(admin: AIOKafkaAdminClient, topic: Topic, policy: str) -> None:
    await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs={"cleanup.policy": policy})]
    )


async def _delete_records(admin: AIOKafkaAdminClient, place: TopicPartition, before: int) -> None:
    """Once the broker has taken up that they may be deleted: it answers that a setting is altered before its
    log knows."""
    deadline = time.monotonic() + 30
    while True:
        try:
            await admin.delete_records({place: RecordsToDelete(before)}, timeout_ms=5000)
            return
        except PolicyViolationError:
            assert time.monotonic() < deadline, "the broker keeps to the policy of before"
            await asyncio.sleep(0.1)


async def _set(brokers: str, topic: Topic, **settings: str) -> None:
    """The topic's settings, and nothing else of its own (dots as underscores)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        configs = {name.replace("_", "."): value for name, value in settings.items()}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=configs)])
    finally:
        await admin.close()


@NEEDS_KAFKA
def test_a_cluster_id_may_begin_with_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of sixty-four does; the formatter took it for an option."""
    monkeypatch.setattr("u2c.deployment.kafka_broker.uuid4", lambda: UUID(int=0xF8 << 120))
    broker = KafkaBroker(tmp_path)
    broker.start()
    broker.stop()
    assert "cluster.id=-" in (tmp_path / "data" / "meta.properties").read_text()


@NEEDS_KAFKA
def test_a_port_that_another_broker_listens_on_is_not_taken_for_our_own(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentFault, match=f"Port {broker.port} on 127.0.0.1 is in use"):
        KafkaBroker(tmp_path, broker.port).start()


class KafkaCases:
    """How the suite treats Kafka."""

    @pytest.fixture
    async def arena(
        self, database: TestDatabase, postgres_server: TestServer, broker: KafkaBroker, tmp_path: Path
    ) -> AsyncIterator[Arena]:
        self.broker, self.postgres = broker, postgres_server.postgres
        await self._delete(broker.brokers, list(TOPICS))
        arena = Arena(database, tmp_path, broker.brokers)
        await arena.open()
        yield arena
        await arena.close()

    async def recreate(self, arena: Arena, topic: Topic) -> None:
        await self._delete(arena.brokers, [topic.name])
        await ensure_topics(KafkaAccess(arena.brokers), {topic.name: topic})

    async def lose(self, arena: Arena, topic: Topic, partition: int, before: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=arena.brokers)
        await admin.start()
        try:
            await _configure(admin, topic, "delete")  # a compacted topic loses records by compaction only
            await _delete_records(admin, TopicPartition(topic.name, partition), before)
            await _configure(admin, topic, settings_of(topic, 1)["cleanup.policy"])
        finally:
            await admin.close()

    async def other_cluster(self, arena: Arena) -> None:
        other = KafkaBroker(arena.folder / "other")
        await asyncio.to_thread(other.start)
        try:
            bus = Arena(arena.database, arena.folder, other.brokers)
            bus.db = arena.db
            await bus.another_bus().start()
        finally:
            await asyncio.to_thread(other.stop)

    async def kill_store(self, arena: Arena) -> None:
        await asyncio.to_thread(self.broker.kill)

    async def start_store(self, arena: Arena) -> None:
        await asyncio.to_thread(self.broker.start)

    async def _delete(self, brokers: str, topics: list[str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
        await admin.start()
        try:
            await admin.delete_topics(
                [topic for topic in await admin.list_topics() if topic in topics], timeout_ms=10_000
            )
            while set(await admin.list_topics()) & set(topics):
                await asyncio.sleep(0.1)
        finally:
            await admin.close()


@NEEDS_KAFKA
class TestKafkaBriefly(KafkaCases):
    """What the short run shows; the whole suite is `TestKafka`."""

    test_heads_positions_and_reading = BusConformance.test_heads_positions_and_reading
    test_poison_becomes_a_dead_letter = BusConformance.test_poison_becomes_a_dead_letter
    test_a_topic_created_again_and_filled_stops_the_consumer = (
        BusConformance.test_a_topic_created_again_and_filled_stops_the_consumer
    )

    async def test_since_when_a_partition_is_behind_is_read_off_one_batch(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(10):
            await arena.bus.publish(FACTS.name, [Record(b"k", randbytes(50_000), partition=0)])
        fetch, fetched = KafkaReader._fetch, list[int]()

        async def counted(self: KafkaReader, *asked: Any) -> Any:
            found = await fetch(self, *asked)
            fetched.append(len(found[0]))
            return found

        monkeypatch.setattr(KafkaReader, "_fetch", counted)
        written = [await arena.bus.written_at(FACTS.name, 0, offset) for offset in range(11)]
        assert len(fetched) == 11 and 50_000 < max(fetched) < 60_000
        known = [at for at in written[:10] if at is not None]
        assert known == sorted(known) and len(known) == 10 and written[10] is None
        await self.lose(arena, FACTS, 0, 5)
        assert await arena.bus.written_at(FACTS.name, 0, 0) == written[5], "what is lost is passed over"
        assert await arena.bus.written_at(FACTS.name, 0, 12) is None

    async def test_a_batch_damaged_on_disk_is_a_dead_letter_alone(self, arena: Arena) -> None:
        """On our own topics too: its neighbours are taken, and the batch rows tile the log."""
        for _ in range(3):
            await arena.publish(8, keys=1)  # one partition, three batches
        [partition] = [n for n, head in (await arena.bus.heads(FACTS.name)).items() if head]
        await asyncio.to_thread(self.broker.stop)
        [segment] = (self.broker.folder / "data" / f"{FACTS.name}-{partition}").glob("*.log")
        batches = batches_on_disk(segment)
        damage(batches[1], "bits")
        segment.write_bytes(b"".join(batches))
        await asyncio.to_thread(self.broker.start)
        arena.spawn()
        await arena.drained()
        [letter] = await dead_letters(arena.db.pool, GROUP)
        assert (letter.partition, letter.offset, letter.record.value) == (partition, 8, bytes(batches[1]))
        assert "8 records at offsets 8 to 15" in letter.error and "checksum" in letter.error
        taken = await arena.db.pool.fetchval("select array_agg(seq order by seq) from rating.effects")
        assert taken == [*range(8), *range(16, 24)]
        (counts,) = await arena.db.pool.fetch(
            "select sum(new) as new, sum(dead) as dead, sum(compacted) from bus.batches where grp = $1", GROUP
        )
        assert tuple(counts) == (16, 1, 7)
        assert await arena.db.pool.fetchval(K1, GROUP) == 0


@NEEDS_KAFKA
class TestRefusals(KafkaCases, RefusalCases):
    async def forbid(self, arena: Arena) -> None:
        await _set(arena.brokers, PAGES, cleanup_policy="compact", max_message_bytes=str(RULE_BYTES))

    async def allow(self, arena: Arena) -> None:
        await _set(
            arena.brokers,
            PAGES,
            **{name.replace(".", "_"): value for name, value in settings_of(PAGES, 1).items()},
        )


@NEEDS_KAFKA
@pytest.mark.long
class TestKafka(KafkaCases, BusConformance):
    """The whole suite."""

    async def test_the_database_is_killed_and_comes_back(self, arena: Arena) -> None:
        """The broker lives on: positions and effects wait for Postgres."""
        arena.spawn()
        async with arena.load():
            await until_effects(arena, 1)
            await asyncio.to_thread(self.postgres.kill)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(self.postgres.start)
            await asyncio.sleep(1)
        await arena.drained()
        await arena.assert_exactly_once()

    async def test_topics_are_created_as_registered(self, arena: Arena) -> None:
        assert settings_of(FACTS, 3) | {"max.message.bytes": ""} == {
            "cleanup.policy": "delete",
            "retention.ms": str(30 * 86_400_000),
            "max.message.bytes": "",
            "min.insync.replicas": "2",
        }
        assert settings_of(STATES, 1)["cleanup.policy"] == "compact"
        assert (
            isinstance(arena.bus, KafkaBus)
            and arena.bus.durability_note is not None
            and "power cut" in arena.bus.durability_note
        )
