"""A deployment to measure or to shoot at: durable, real processes, a database and a broker of its own that are gone afterwards."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.billing.conservation.transport import Heads
from shared.topics import ALL
from u2c.cluster import Cluster, ClusterOptions
from u2c.kafka_broker import KafkaBroker
from u2c.state import State


@dataclass(frozen=True)
class Deployment:
    """A running cluster, and its broker when the bus is Kafka. `folder` is on the same disk and is removed at the end."""

    cluster: Cluster
    folder: Path
    broker: KafkaBroker | None

    @property
    def brokers(self) -> str | None:
        return self.broker.brokers if self.broker else None

    def pids(self) -> dict[str, int]:
        return {**self.cluster.pids(), **({"kafka": self.broker.pid} if self.broker else {})}

    def heads(self) -> Heads | None:
        """How the books ask for the heads of the log: None where the database itself knows them."""
        return kafka_heads(self.broker.brokers) if self.broker else None


@asynccontextmanager
async def deployment(bus: str, name: str, **more: Any) -> AsyncIterator[Deployment]:
    """Start everything below the state folder (never on a RAM disk: fsync must mean something), and leave nothing behind.

    `more` are further ClusterOptions.
    """
    folder = State.default().folder / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    broker = KafkaBroker(folder / "kafka-data") if bus == "kafka" else None
    try:
        if broker:
            broker.start()
        options = ClusterOptions(
            state=State(folder / "state"), bus="kafka" if broker else "postgres", base_port=0,
            kafka_brokers=broker.brokers if broker else "127.0.0.1:9092", **{"restart": False, **more})
        assert options.server.durable, "a figure without fsync is no figure"
        async with Cluster(options) as cluster:
            yield Deployment(cluster, folder, broker)
            if cluster.postgres:
                cluster.postgres.remove()
    finally:
        if broker:
            broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def kafka_heads(brokers: str) -> Heads:
    """The heads of a topic as the broker tells them."""
    from shared.bus.kafka_reader import KafkaReader  # only where Kafka is used is its client loaded

    reader = KafkaReader(brokers)

    async def heads(topic: str) -> Mapping[int, int]:
        return {partition: bound.head for partition, bound in (await reader.bounds(topic, ALL[topic].partitions)).items()}

    return heads
