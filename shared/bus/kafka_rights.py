"""Who may do what on a broker that asks: from the topic registry, as `shared.postgres.privileges` has it for
the log in Postgres. Pure.

A service writes what it produces, reads what it consumes in its own groups, and sees how far every topic
reaches: periods close, days are judged and books are checked by heads of topics that others hear. Nobody but
the administrator makes topics or rights.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from shared.postgres.setup import SERVICES
from shared.topics import ALL
from shared.topics.registry import PRODUCTS

USERS: Final = tuple(f"u2c_{speaker}" for speaker in (*SERVICES, PRODUCTS))
#: Conservation reads what waits in these topics, whoever it waits for.
CHECKER, CHECKED = "billing", "usage."


class Of(IntEnum):
    """What a right is about, by Kafka's numbers."""

    TOPIC = 2
    GROUP = 3
    TRANSACTIONAL_ID = 5


class May(IntEnum):
    """Operations, by Kafka's numbers. READ and WRITE imply DESCRIBE."""

    READ = 3
    WRITE = 4
    DESCRIBE = 8


class Right(NamedTuple):
    """One ACL, with the fields of Kafka's protocol in its order."""

    of: int
    name: str
    pattern: int
    principal: str
    host: str
    operation: int
    permission: int


LITERAL, ALLOW, EVERY_HOST = 3, 3, "*"


def rights() -> frozenset[Right]:
    """Everything our users may do, and no more."""
    topics = ALL.values()
    said = {
        _right(producer, May.WRITE, Of.TOPIC, topic.name) for topic in topics for producer in topic.producers
    }
    heard = {
        _right(service, May.READ, Of.TOPIC, topic.name) for topic in topics for service in topic.consumers
    }
    in_groups = {
        _right(service, May.READ, Of.GROUP, topic.group_of(service))
        for topic in topics
        for service in topic.consumers
    }
    seen = {_right(service, May.DESCRIBE, Of.TOPIC, topic.name) for topic in topics for service in SERVICES}
    checked = {
        _right(CHECKER, May.READ, Of.TOPIC, topic.name) for topic in topics if topic.name.startswith(CHECKED)
    }
    # of any name: what they write is usage.raw all the same
    in_transactions = {_right(PRODUCTS, May.WRITE, Of.TRANSACTIONAL_ID, "*")}
    return frozenset(said | heard | in_groups | seen | checked | in_transactions)


def _right(speaker: str, operation: May, of: Of, name: str) -> Right:
    return Right(of, name, LITERAL, f"User:u2c_{speaker}", EVERY_HOST, operation, ALLOW)
