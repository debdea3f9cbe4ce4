"""A deployment to measure or to shoot at: durable, real processes, a database and a broker of its own that
are gone afterwards."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from services.billing.conservation.checks.k1_transport import Heads
from services.billing.conservation.usecases.check import check_all
from shared.bus.kafka_access import KafkaAccess
from shared.topics import ALL
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.kafka_broker import KafkaBroker
from u2c.deployment.state import State

if TYPE_CHECKING:
    from shared.bus.kafka_reader import KafkaLog, KafkaReader


@dataclass(frozen=True)
class Deployment:
    """A running cluster, and its broker when the bus is Kafka. `folder` is on the same disk and is removed at
    the end."""

    cluster: Cluster
    folder: Path
    broker: KafkaBroker | None
    reader: "KafkaReader | None"

    @property
    def brokers(self) -> str | None:
        return self.broker.brokers if self.broker else None

    def pids(self) -> dict[str, int]:
        return {**self.cluster.pids(), **({"kafka": self.broker.pid} if self.broker else {})}

    def log(self) -> "KafkaLog | None":
        """How the books look into the log: None where it lies in the database itself."""
        return _log(self.reader) if self.reader else None

    def heads(self) -> Heads | None:
        """How its heads alone are asked for."""
        return log.heads if (log := self.log()) else None

    async def breaks(self, auditor: asyncpg.Connection) -> list[str]:
        """What K1–K5 find, as sentences."""
        report = await check_all(auditor, self.log())
        return [
            f"{each.k} {each.fault}: {each.where} (expected {each.expected}, found {each.found})"
            for each in report.breaks
        ]


@contextmanager
def site(bus: str, name: str) -> Iterator[tuple[Path, KafkaBroker | None]]:
    """An empty folder below the state folder (never on a RAM disk: fsync must mean something), with a broker
    that runs there where the bus is Kafka; nothing of both is left."""
    folder = State.default().folder / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as left:
        left.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = KafkaBroker(folder / "kafka-data") if bus == "kafka" else None
        if broker:
            left.callback(broker.stop)
            broker.start()
        yield folder, broker


@asynccontextmanager
async def deployment(bus: str, name: str, **more: Any) -> AsyncIterator[Deployment]:
    """Start everything on a site of its own, and leave nothing behind.

    `more` are further ClusterOptions.
    """
    async with AsyncExitStack() as left:
        folder, broker = left.enter_context(site(bus, name))
        reader = None
        if broker:
            reader = _reader(broker.brokers)
            left.push_async_callback(reader.close)
        options = ClusterOptions(
            state=State(folder / "state"),
            bus="kafka" if broker else "postgres",
            base_port=0,
            kafka_brokers=broker.brokers if broker else "127.0.0.1:9092",
            **{"restart": False, **more},
        )
        assert options.server.durable, "a figure without fsync is no figure"
        cluster = await left.enter_async_context(Cluster(options))
        yield Deployment(cluster, folder, broker, reader)
        if cluster.postgres:
            cluster.postgres.remove()


def _reader(brokers: str) -> "KafkaReader":
    from shared.bus.kafka_reader import KafkaReader  # only where Kafka is used is its client loaded

    return KafkaReader(KafkaAccess(brokers))


def _log(reader: "KafkaReader") -> "KafkaLog":
    from shared.bus.kafka_reader import KafkaLog

    return KafkaLog(reader, ALL)
