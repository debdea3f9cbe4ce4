"""All topics. One file per producer; `ALL` is the registry both bus implementations create and check at
start."""

from shared.topics.billing import DOCUMENTS
from shared.topics.rating import (
    ACTIVE_HOURS,
    ACTIVITY,
    BLOCK_ROWS,
    CATALOGUE_METERS,
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
)
from shared.topics.registry import Key, Topic, TopicKind
from shared.topics.signals import SIGNALS
from shared.topics.usage_ingest import ACCESS_KEYS, USAGE_EVENTS, USAGE_QUARANTINE, USAGE_RAW, USAGE_RECEIPTS

ALL: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        USAGE_RAW,
        USAGE_EVENTS,
        USAGE_QUARANTINE,
        USAGE_RECEIPTS,
        ACCESS_KEYS,
        CATALOGUE_METERS,
        CUSTOMERS,
        CONTRACTS,
        STATEMENTS,
        ACTIVITY,
        ACTIVE_HOURS,
        BLOCK_ROWS,
        DOCUMENTS,
        SIGNALS,
    )
}

__all__ = ["ALL", "Key", "Topic", "TopicKind"]
