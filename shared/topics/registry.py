"""The topic table: who speaks, who listens, what a message means to a consumer.

Every message is a fact (it has an id: insert if absent) or a snapshot (it has a key and a revision: replace
if newer, whole). Both make every consumer idempotent and insensitive to order.

What a snapshot is partitioned by is not what it is: a contract has many statements, and a statement many
pages. The record key is the whole identity of the one thing a newer message replaces, because that is what a
broker compacts by; the partition follows another key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

import msgspec

#: What a topic takes in one piece, on either bus: of one record its key, value, headers and framing.
MESSAGE_MAX_BYTES: Final = 8 << 20
#: Who says what usage begins with: no service.
PRODUCTS: Final = "products"


class TopicKind(StrEnum):
    FACT = "fact"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Key:
    """What of a message makes a key: in words for readers, and as a function for whoever tells it."""

    words: str
    of: Callable[[Any], bytes]


def fields(*names: str) -> Key:
    """The key of one field is its text; of several, a JSON array of them: no value of one can run into the
    next."""
    read: Callable[[Any], Any] = attrgetter(*names)
    return Key(
        ", ".join(names),
        (lambda message: read(message).encode())
        if len(names) == 1
        else lambda message: msgspec.json.encode(read(message)),
    )


@dataclass(frozen=True, slots=True)
class Topic:
    """A row of the topic table. `partitions` is part of the contract: another count is another topic."""

    name: str
    message: type[msgspec.Struct] | None  # None: raw bytes from products (usage.raw)
    kind: TopicKind
    partitioned_by: Key | None  # None: whoever produces it chooses (usage.raw)
    producer: str
    consumers: tuple[str, ...]
    # snapshots only: the whole identity of what a newer message replaces, and the record's key
    identified_by: Key | None = None
    partitions: int = 3
    retention_days: int = 30  # facts only; snapshot topics are compacted
    #: Who else says it; the topic stays that of its producer.
    also_by: tuple[str, ...] = ()
    # the consumer of its own that hears it in each service; "": the service's one consumer
    own_consumer: str = ""

    def __post_init__(self) -> None:
        assert (self.identified_by is not None) == (self.kind is TopicKind.SNAPSHOT), (
            f"{self.name}: a snapshot has an identity, a fact an id"
        )

    @property
    def producers(self) -> tuple[str, ...]:
        """Everybody who may write to it."""
        return self.producer, *self.also_by

    def group_of(self, service: str) -> str:
        """The consumer group in which `service` hears this topic."""
        return f"{service}.{self.own_consumer}" if self.own_consumer else service

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that hear it."""
        return tuple(self.group_of(service) for service in self.consumers)

    @property
    def former_groups(self) -> tuple[str, ...]:
        """Groups that heard it before it got a consumer of its own: their positions stay where they were, and
        nothing waits for them."""
        return self.consumers if self.own_consumer else ()

    def partition_key(self, message: msgspec.Struct) -> bytes:
        """What chooses the message's partition: messages of one partition key keep their order."""
        assert self.partitioned_by is not None, f"{self.name} is not ours to partition"
        return self.partitioned_by.of(message)

    def record_key(self, message: msgspec.Struct) -> bytes:
        """The key of the message's record: of a snapshot its whole identity, of a fact what partitions it."""
        return self.partition_key(message) if self.identified_by is None else self.identified_by.of(message)

    def encode(self, message: msgspec.Struct) -> bytes:
        assert self.message is not None and isinstance(message, self.message), (
            f"{self.name} takes {self.message}"
        )
        return _encoder.encode(message)

    def decode(self, value: bytes) -> Any:
        """Return the message, or raise `msgspec.DecodeError` / `msgspec.ValidationError`: poison."""
        assert self.message is not None, f"{self.name} carries raw bytes"
        return _decoder(self.message).decode(value)


_encoder = msgspec.json.Encoder(decimal_format="string")
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def _decoder(message: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    if message not in _decoders:
        _decoders[message] = msgspec.json.Decoder(message)
    return _decoders[message]
