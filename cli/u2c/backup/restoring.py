"""Put a backup in a new database, and say what lies on the bus since: it is consumed again, from the restored
positions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import asyncpg

from services.billing.finalization.usecases.pass_published import pass_published
from services.console.sessions.usecases.end_session import end_all_sessions
from shared.bus import BusUnavailable
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_reader import KafkaReader
from shared.bus.passing import SNAPSHOTS, pass_snapshots
from shared.db.unit_of_work import UnitOfWork
from shared.environment_fault import EnvironmentFault
from shared.postgres.migrations import prepare
from shared.postgres.setup import CONSOLE, connect, create_empty_database, drop_database
from shared.runtime.retelling import tell_all_again
from shared.topics import ALL, TopicKind
from shared.topics.usage_ingest import AccessKeyMessage
from u2c.backup.manifest import BOOK, Manifest, secret_digest
from u2c.backup.programs import restore
from u2c.backup.since import end_keys, published_numbers, told_keys


@dataclass(frozen=True)
class Restored:
    """`again`: facts on the bus that were consumed after the backup and are consumed again; `reissued`:
    numbers that had been published for documents this backup does not have, which come anew under new
    numbers; `sealed`: whether its webhooks' secrets can be opened here.
    """

    manifest: Manifest
    database: str
    again: int
    reissued: list[str]
    sealed: bool


@dataclass(frozen=True)
class _Since:
    """What lies on the bus since the backup."""

    again: int = 0
    numbers: Mapping[str, date] = field(default_factory=dict)
    keys: Sequence[AccessKeyMessage] = ()
    # of the snapshot topics; None where the log is part of the book
    heads: Mapping[str, Mapping[int, int]] | None = None


async def put_back(
    manifest: Manifest, folder: Path, admin_url: str, database: str, secret: str, kafka: KafkaAccess
) -> Restored:
    """Restore into a database that must not be there yet; what fails leaves none behind."""
    try:
        since = await _read_since(manifest, kafka) if manifest.bus == "kafka" else _Since()
    except BusUnavailable as fault:
        raise EnvironmentFault(
            str(fault), "This backup's book lives on Kafka: start the broker, or name it: --kafka-brokers"
        ) from fault
    url = await create_empty_database(admin_url, database, secret)
    try:
        await restore(url, folder / BOOK)
        await prepare(admin_url, database, secret)
        connection = await connect(url)
        try:
            async with connection.transaction():
                reissued = await _go_on_after(since, connection)
        finally:
            await connection.close()
    except BaseException:
        await drop_database(admin_url, database)
        raise
    return Restored(
        manifest, database, since.again, reissued, secret_digest(secret) == manifest.secret_digest
    )


async def _read_since(manifest: Manifest, kafka: KafkaAccess) -> _Since:
    reader = KafkaReader(kafka)
    try:
        heads = {topic.name: await reader.heads(topic.name, topic.partitions) for topic in SNAPSHOTS}
        return _Since(
            await _to_consume_again(manifest, reader),
            await published_numbers(reader),
            await told_keys(reader),
            heads,
        )
    finally:
        await reader.close()


async def _go_on_after(since: _Since, connection: asyncpg.Connection) -> list[str]:
    """Facts are consumed again; what services said of their state since is passed, and they say it anew; people
    sign in anew. Returns the numbers given anew."""
    await end_all_sessions(UnitOfWork(connection, CONSOLE))
    reissued = await pass_published(connection, since.numbers)
    if since.heads is not None:
        await end_keys(connection, since.keys)
        await pass_snapshots(connection, since.heads)
        for service in sorted({topic.producer for topic in SNAPSHOTS}):
            await tell_all_again(connection, service)
    return reissued


async def _to_consume_again(manifest: Manifest, reader: KafkaReader) -> int:
    """Facts past the restored positions. EnvironmentFault where retention has taken facts that this book has
    not consumed."""
    again = 0
    for group, topics in manifest.positions.items():
        for topic, positions in topics.items():
            again += await _past(group, topic, positions, reader)
    return again


async def _past(group: str, topic: str, positions: Mapping[str, int], reader: KafkaReader) -> int:
    bounds = await reader.bounds(topic, ALL[topic].partitions)
    for partition, position in positions.items():
        bound = bounds[int(partition)]
        if bound.head < position:
            raise EnvironmentFault(
                f"{topic}[{partition}] ends at {bound.head}; {group} had consumed up to {position}: it is not this book's log.",
                "Name the brokers that the backup's deployment used: --kafka-brokers",
            )
        if ALL[topic].kind is TopicKind.FACT and bound.first > position:
            raise EnvironmentFault(
                f"{topic}[{partition}] begins at {bound.first}; {group} had consumed up to {position}: facts between are gone.",
                "Use a newer backup: backups must be made more often than the topics' retention (docs/operations.md).",
            )
    if ALL[topic].kind is TopicKind.SNAPSHOT:
        return 0
    return sum(bounds[int(partition)].head - position for partition, position in positions.items())
