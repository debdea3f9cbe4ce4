"""Put a backup in a new database, and say what lies on the bus since: it is consumed again, from the restored positions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.billing.finalization.published import pass_published
from shared.bus import BusUnavailable
from shared.bus.kafka_reader import KafkaReader
from shared.environment_fault import EnvironmentFault
from shared.postgres.migrations import prepare
from shared.postgres.setup import connect, create_empty_database, drop_database
from shared.topics import ALL, TopicKind
from shared.topics.billing import DOCUMENTS, DocumentMessage
from u2c.backup.manifest import BOOK, Manifest, secret_digest
from u2c.backup.programs import restore

READ_MAX = 1000


@dataclass(frozen=True)
class Restored:
    """`again`: records on the bus that were consumed after the backup and are consumed again; `reissued`: numbers that had been published
    for documents this backup does not have, which come anew under new numbers; `sealed`: whether its webhooks' secrets can be opened here.
    """

    manifest: Manifest
    database: str
    again: int
    reissued: list[str]
    sealed: bool


async def put_back(manifest: Manifest, folder: Path, admin_url: str, database: str, secret: str, brokers: str) -> Restored:
    """Restore into a database that must not be there yet; what fails leaves none behind."""
    reader = KafkaReader(brokers) if manifest.bus == "kafka" else None
    try:
        again = await _to_consume_again(manifest, reader) if reader else 0
        published = await _published(reader) if reader else []
        url = await create_empty_database(admin_url, database, secret)
        try:
            await restore(url, folder / BOOK)
            await prepare(admin_url, database, secret)
            connection = await connect(url)
            try:
                reissued = await pass_published(connection, published)
            finally:
                await connection.close()
        except BaseException:
            await drop_database(admin_url, database)
            raise
    except BusUnavailable as fault:
        raise EnvironmentFault(str(fault), "This backup's book lives on Kafka: start the broker, or name it: --kafka-brokers") from fault
    finally:
        if reader:
            await reader.close()
    return Restored(manifest, database, again, reissued, secret_digest(secret) == manifest.secret_digest)


async def _to_consume_again(manifest: Manifest, reader: KafkaReader) -> int:
    """Records past the restored positions. EnvironmentFault where retention has taken facts that this book has not consumed."""
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
            raise EnvironmentFault(f"{topic}[{partition}] ends at {bound.head}; {group} had consumed up to {position}: it is not this book's log.",
                                   "Name the brokers that the backup's deployment used: --kafka-brokers")
        if ALL[topic].kind is TopicKind.FACT and bound.first > position:
            raise EnvironmentFault(f"{topic}[{partition}] begins at {bound.first}; {group} had consumed up to {position}: facts between are gone.",
                                   "Use a newer backup: backups must be made more often than the topics' retention (docs/operations.md).")
    return sum(bounds[int(partition)].head - position for partition, position in positions.items())


async def _published(reader: KafkaReader) -> list[str]:
    """The numbers of all documents ever finalized, as the bus knows them."""
    found: set[str] = set()
    for partition, bound in (await reader.bounds(DOCUMENTS.name, DOCUMENTS.partitions)).items():
        at = bound.first
        while at < bound.head:
            run = await reader.read(DOCUMENTS.name, partition, at, READ_MAX)
            found.update(number for record in run.records if (number := _number(record.value)) is not None)
            if run.end == at:
                break
            at = run.end
    return sorted(found)


def _number(value: bytes) -> str | None:
    """Of a document; None for a draft, and for what is none (a dead letter of signals, not ours to judge)."""
    try:
        message: DocumentMessage = DOCUMENTS.decode(value)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return message.number
