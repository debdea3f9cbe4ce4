"""Chooses the bus of a deployment."""

import asyncpg

from shared.bus import Bus
from shared.bus.kafka_access import KafkaAccess
from shared.bus.postgres_log import PostgresLog


def open_bus(pool: asyncpg.Pool, kafka: KafkaAccess | None, session_timeout_s: float = 6.0) -> Bus:
    """Kafka by this access, or, without one, the log in Postgres; not started yet."""
    if kafka is not None:
        # Only where Kafka is used is its client loaded.
        from shared.bus.kafka import KafkaBus

        return KafkaBus(pool, kafka, session_timeout_s=session_timeout_s)
    return PostgresLog(pool, session_timeout_s=session_timeout_s)
