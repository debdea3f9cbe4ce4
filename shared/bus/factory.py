"""Chooses the bus a deployment is configured for."""

import asyncpg

from shared.bus import Bus
from shared.bus.postgres_log import PostgresLog
from shared.settings import ServiceSettings


def open_bus(settings: ServiceSettings, pool: asyncpg.Pool) -> Bus:
    """The bus of `settings.bus`, not started yet."""
    if settings.bus == "kafka":
        from shared.bus.kafka import KafkaBus  # only where Kafka is used is its client loaded

        return KafkaBus(pool, settings.kafka_brokers, session_timeout_s=settings.session_timeout_s)
    return PostgresLog(pool, session_timeout_s=settings.session_timeout_s)
