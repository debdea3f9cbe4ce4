"""The log of the bus as a check sees it: in the check's own snapshot where it is the Postgres log, else the
broker's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.bus import Log, Polled
from shared.bus.postgres_segments import heads, read_run, written_at


@dataclass(frozen=True, slots=True)
class SnapshotLog:
    """Implements `shared.bus.Log` on the connection of a check."""

    connection: asyncpg.Connection

    async def heads(self, topic: str) -> Mapping[int, int]:
        return await heads(self.connection, topic)

    async def read(self, topic: str, partition: int, start: int, records_max: int) -> Polled:
        return await read_run(self.connection, topic, partition, start, records_max)

    async def written_at(self, topic: str, partition: int, offset: int) -> datetime | None:
        return await written_at(self.connection, topic, partition, offset)


def log_of(connection: asyncpg.Connection, log: Log | None) -> Log:
    """The log to look into: the one given (Kafka), else the one of this database."""
    return log or SnapshotLog(connection)
