"""What a batch brings: events and voids by key, the first of each key and its repeats."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from shared.errors import AppError
from shared.topics.usage_ingest import UsageMessage

KEY_BYTES = 16
NAME_MAX = 255                                   # characters of a subject or type: they key indexes
_TIME_MIN_US, _TIME_MAX_US = -(2**55), 2**57     # within what the store can hold


class UsageUnstorable(AppError):
    """This message is no usage event that can be stored; the producer must be repaired."""


@dataclass(slots=True)
class Arrivals:
    """Places (`seq`) in the batch. `first_*`: key → place of its first; `repeats`: the places of later events of a key, `void_repeats` of voids."""

    messages: Sequence[UsageMessage]
    keys: list[bytes]
    first_events: dict[bytes, int] = field(default_factory=dict)
    first_voids: dict[bytes, int] = field(default_factory=dict)
    repeats: list[int] = field(default_factory=list)
    void_repeats: list[int] = field(default_factory=list)


def key_of(source: str, id: str) -> bytes:
    """Return the deduplication key of an event."""
    return sha256(f"{source}\0{id}".encode()).digest()[:KEY_BYTES]


def arrivals_of(messages: Sequence[UsageMessage]) -> Arrivals:
    """Sort a batch by key. Raises UsageUnstorable for a message the store could never take."""
    found = Arrivals(messages, [key_of(message.source, message.id) for message in messages])
    for seq, (key, message) in enumerate(zip(found.keys, messages, strict=True)):
        if message.kind == "event":
            if not (_TIME_MIN_US < message.time_us < _TIME_MAX_US and len(message.body_hash) == 2 * KEY_BYTES
                    and 0 < len(message.subject) <= NAME_MAX and 0 < len(message.type) <= NAME_MAX):
                raise UsageUnstorable(f"event {message.id!r} of {message.source!r}: subject, type, time or body hash is out of bounds")
            if found.first_events.setdefault(key, seq) != seq:
                found.repeats.append(seq)
        elif message.kind == "void":
            if found.first_voids.setdefault(key, seq) != seq:
                found.void_repeats.append(seq)
        else:
            raise UsageUnstorable(f"kind {message.kind!r} of {message.id!r} is neither event nor void")
    return found
