"""What the bus knows of the time after a backup that a book put back must not forget: the numbers that were
given, and the keys that ended."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec

from shared.bus.kafka_reader import KafkaReader
from shared.db.unit_of_work import UnitOfWork
from shared.postgres.setup import SERVICES
from shared.replica.access_keys import store_key
from shared.topics import Topic
from shared.topics.billing import DOCUMENTS, DocumentMessage
from shared.topics.usage_ingest import ACCESS_KEYS, AccessKeyMessage

READ_MAX = 1000


async def published_numbers(reader: KafkaReader) -> dict[str, date]:
    """The numbers of all documents ever finalized → the day each was issued on."""
    found: dict[str, date] = {}
    async for message in _messages(reader, DOCUMENTS):
        document: DocumentMessage = message
        if document.number is not None and document.issued_on is not None:
            found[document.number] = date.fromisoformat(document.issued_on)
    return found


async def told_keys(reader: KafkaReader) -> list[AccessKeyMessage]:
    """All keys as they were told, in the order of the telling."""
    return [message async for message in _messages(reader, ACCESS_KEYS)]


async def end_keys(connection: asyncpg.Connection, told: Sequence[AccessKeyMessage]) -> None:
    """Bring the keys that this book has to what was told of them since: one that was revoked stays revoked,
    everywhere.

    Keys made since are none any more: nobody could list or revoke what the service that issues them does not
    know.
    """
    known = {row["key_id"] for row in await connection.fetch("select key_id from usage_ingest.api_keys")}
    for schema in SERVICES:
        uow = UnitOfWork(connection, schema)
        for message in told:
            if message.key_id in known:
                await store_key(uow, message)


async def _messages(reader: KafkaReader, topic: Topic) -> AsyncIterator[Any]:
    for partition, bound in (await reader.bounds(topic.name, topic.partitions)).items():
        at = bound.first
        while at < bound.head:
            run = await reader.read(topic.name, partition, at, READ_MAX)
            for record in run.records:
                try:
                    yield topic.decode(record.value)
                except (msgspec.DecodeError, msgspec.ValidationError):
                    # A dead letter of those who hear it: not ours to judge.
                    continue
            if run.end == at:
                break
            at = run.end
