"""The suite's own topics: a fact, a snapshot, and snapshots of which several lie together."""

import msgspec

from shared.bus import Record
from shared.topics import Topic, TopicKind
from shared.topics.registry import Key, fields

PARTITIONS = 4


class Fact(msgspec.Struct, frozen=True):
    """`seq` rises within a key; a handler refuses a fact with `poison`."""

    id: str
    seq: int
    poison: bool = False


class Page(msgspec.Struct, frozen=True):
    """One page of many that one book has."""

    book: str
    page: int
    revision: int = 1
    text: str = ""


KEYS = 40
SEQ = Key("seq modulo 40", lambda fact: f"key-{fact.seq % KEYS}".encode())
FACTS = Topic("test.facts", Fact, TopicKind.FACT, SEQ, "test", ("conformance",), partitions=PARTITIONS)
STATES = Topic(
    "test.states",
    Fact,
    TopicKind.SNAPSHOT,
    SEQ,
    "test",
    ("conformance",),
    identified_by=fields("id"),
    partitions=1,
)
PAGES = Topic(
    "test.pages",
    Page,
    TopicKind.SNAPSHOT,
    fields("book"),
    "test",
    ("conformance",),
    identified_by=fields("book", "page"),
    partitions=PARTITIONS,
)
TOPICS = {topic.name: topic for topic in (FACTS, STATES, PAGES)}


def fact(number: int, *, keys: int = 20, poison: bool = False) -> Record:
    """Fact `number` of a run: its key is one of `keys`, its seq is its number."""
    key = f"key-{number % keys}"
    return Record(
        key.encode(),
        FACTS.encode(Fact(f"fact-{number}", number, poison)),
        (("trace", f"trace-{number}".encode()),),
    )
