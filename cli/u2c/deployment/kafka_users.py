"""Kafka as this command speaks to it, and, as its administrator, the users of a deployment whose broker asks
who speaks."""

from dataclasses import replace

from shared.bus import BusUnavailable
from shared.bus.kafka_access import KafkaAccess
from shared.environment_fault import EnvironmentFault
from shared.postgres.urls import kafka_password
from shared.runtime.settings import ServiceSettings
from shared.topics.registry import PRODUCTS


def kafka_access(brokers: str | None = None) -> KafkaAccess:
    """By the variables U2C_KAFKA_… that a service reads; `brokers` as a flag has them."""
    known = ServiceSettings().kafka
    return known if brokers is None else replace(known, brokers=brokers)


def kafka_login(speaker: str, secret: str) -> dict[str, str]:
    """Variable → value: the broker's user of a service, or of the products."""
    user = f"u2c_{speaker}"
    return {"U2C_KAFKA_USERNAME": user, "U2C_KAFKA_PASSWORD": kafka_password(secret, user)}


async def admit_users(access: KafkaAccess, secret: str) -> dict[str, str]:
    """Where the broker asks who speaks: its topics, users and rights, and the products' login; where it asks
    nobody, nothing."""
    if not access.asks:
        return {}
    from shared.bus.kafka_rights import USERS

    # Only where Kafka is used is its client loaded.
    from shared.bus.kafka_users import admit

    try:
        await admit(access, {user: kafka_password(secret, user) for user in USERS})
    except BusUnavailable as fault:
        raise EnvironmentFault(
            str(fault), "U2C_KAFKA_USERNAME and U2C_KAFKA_PASSWORD must be the broker's administrator's here"
        ) from fault
    return kafka_login(PRODUCTS, secret)
