"""Creates the registered topics on a Kafka cluster, checks their partitions, and says what an acknowledgement
is worth there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from shared.bus import BusUnavailable
from shared.bus.faults import WrongPartitionCount
from shared.bus.kafka_access import KafkaAccess
from shared.topics import Topic, TopicKind
from shared.topics.registry import MESSAGE_MAX_BYTES

DAY_MS = 86_400_000
REPLICAS_WANTED = 3
VISIBLE_WITHIN_S = 10.0
ALREADY_EXISTS = 36
ONE_BROKER = "one broker: what is acknowledged survives the death of a process, not a power cut (needs min.insync.replicas ≥ 2)"


@dataclass(frozen=True)
class KafkaCluster:
    """What a start learns of the cluster."""

    cluster_id: str
    durability_note: str | None


async def ensure_topics(access: KafkaAccess, topics: Mapping[str, Topic]) -> KafkaCluster:
    """Create what is missing; raise WrongPartitionCount where a topic is not as registered, BusUnavailable
    where nobody answers."""
    admin = AIOKafkaAdminClient(**access.client(), request_timeout_ms=5_000)
    try:
        async with asyncio.timeout(VISIBLE_WITHIN_S + 10):
            await admin.start()
            cluster = await admin.describe_cluster()
            replicas = min(REPLICAS_WANTED, len(cluster["brokers"]))
            await _create_missing(admin, topics, replicas)
            await _check_partitions(admin, topics)
            return KafkaCluster(cluster["cluster_id"], None if replicas >= REPLICAS_WANTED else ONE_BROKER)
    except (KafkaError, OSError, TimeoutError) as fault:
        remedy = (
            "or the login: `u2c migrate` makes users, rights and topics"
            if access.asks
            else "or start it (`u2c kafka`)"
        )
        raise BusUnavailable(
            f"Kafka does not answer at {access.brokers}: {fault!r}. Correct U2C_KAFKA_BROKERS, {remedy}."
        ) from fault
    finally:
        await admin.close()


def settings_of(topic: Topic, replicas: int) -> dict[str, str]:
    """Topic settings: facts by retention, snapshots by compaction."""
    kind = (
        {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.3"}
        if topic.kind is TopicKind.SNAPSHOT
        else {"cleanup.policy": "delete", "retention.ms": str(topic.retention_days * DAY_MS)}
    )
    return {
        **kind,
        "max.message.bytes": str(MESSAGE_MAX_BYTES),
        "min.insync.replicas": "2" if replicas >= REPLICAS_WANTED else "1",
    }


async def _create_missing(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic], replicas: int) -> None:
    known = set(await admin.list_topics())
    missing = [
        NewTopic(topic.name, topic.partitions, replicas, topic_configs=settings_of(topic, replicas))
        for topic in topics.values()
        if topic.name not in known
    ]
    if not missing:
        return
    for name, code, *detail in (await admin.create_topics(missing)).topic_errors:
        # Another service may start at the same moment.
        if code not in (0, ALREADY_EXISTS):
            raise for_code(code)(f"{name}: {detail}")


async def _check_partitions(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]) -> None:
    while True:
        found = {row["topic"]: row for row in await admin.describe_topics(list(topics))}
        if all(
            name in found and found[name]["error_code"] == 0 and found[name]["partitions"] for name in topics
        ):
            break
        await asyncio.sleep(0.1)
    for name, topic in topics.items():
        if len(found[name]["partitions"]) != topic.partitions:
            raise WrongPartitionCount(name, topic.partitions, len(found[name]["partitions"]))
