"""The suite's own topics: a fact and a snapshot."""

import msgspec

from shared.bus import Record
from shared.topics import Topic, TopicKind

PARTITIONS = 4


class Fact(msgspec.Struct, frozen=True):
    """`seq` rises within a key; a handler refuses a fact with `poison`."""

    id: str
    seq: int
    poison: bool = False


FACTS = Topic("test.facts", Fact, TopicKind.FACT, "key", "test", ("conformance",), partitions=PARTITIONS)
STATES = Topic("test.states", Fact, TopicKind.SNAPSHOT, "key", "test", ("conformance",), partitions=1)
TOPICS = {topic.name: topic for topic in (FACTS, STATES)}


def fact(number: int, *, keys: int = 20, poison: bool = False) -> Record:
    """Fact `number` of a run: its key is one of `keys`, its seq is its number."""
    key = f"key-{number % keys}"
    return Record(key.encode(), FACTS.encode(Fact(f"fact-{number}", number, poison)), (("trace", f"trace-{number}".encode()),))
