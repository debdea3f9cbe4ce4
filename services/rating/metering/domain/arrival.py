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
    """A batch sorted: `keys` of all messages, the places (`seq`) of events, the first void of each key, and the voids that repeat one."""

    messages: Sequence[UsageMessage]
    keys: list[bytes]
    events: list[int] = field(default_factory=list)
    voids: dict[bytes, UsageMessage] = field(default_factory=dict)
    void_repeats: list[UsageMessage] = field(default_factory=list)

    def event_keys(self) -> bytes:
        return b"".join([self.keys[seq] for seq in self.events])

    def body_hashes(self) -> bytes:
        """The hashes of the events. Raises UsageUnstorable for one that is no hexadecimal text of 16 bytes."""
        try:
            hashes = bytes.fromhex("".join([self.messages[seq].body_hash for seq in self.events]))
        except ValueError:
            raise UsageUnstorable("a body hash is not hexadecimal") from None
        if len(hashes) != KEY_BYTES * len(self.events):
            raise UsageUnstorable("a body hash has not 16 bytes")
        return hashes


def key_of(source: str, id: str) -> bytes:
    """Return the deduplication key of an event."""
    return sha256(f"{source}\0{id}".encode()).digest()[:KEY_BYTES]


def arrivals_of(messages: Sequence[UsageMessage]) -> Arrivals:
    """Sort a batch. Raises UsageUnstorable for a message the store could never take."""
    found = Arrivals(messages, [key_of(message.source, message.id) for message in messages])
    for seq, message in enumerate(messages):
        if message.kind == "event":
            if not (_TIME_MIN_US < message.time_us < _TIME_MAX_US and 0 < len(message.subject) <= NAME_MAX and 0 < len(message.type) <= NAME_MAX):
                raise UsageUnstorable(f"event {message.id!r} of {message.source!r}: subject, type or time is out of bounds")
            found.events.append(seq)
        elif message.kind == "void":
            if found.keys[seq] in found.voids:
                found.void_repeats.append(message)
            else:
                found.voids[found.keys[seq]] = message
        else:
            raise UsageUnstorable(f"kind {message.kind!r} of {message.id!r} is neither event nor void")
    return found
