"""What a batch brings: events and voids by key, the first of each key and its repeats, and what no store can
take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from services.rating.metering.domain.unfit import TIME_MAX_US, TIME_MIN_US, Unfit, unfit_data, unfit_message
from shared.errors import AppError
from shared.topics.usage_ingest import UsageMessage
from shared.values.names import EVENT_TYPE, SUBJECT

KEY_BYTES = 16
SUBJECT_MAX, TYPE_MAX = SUBJECT.characters_max, EVENT_TYPE.characters_max


class UsageUnstorable(AppError):
    """The store refuses something in this batch; which message it is shows when each is looked at closely, or
    stands alone."""


@dataclass(slots=True)
class Arrivals:
    """A batch sorted: `keys` of all messages, the places (`seq`) of events, the first void of each key, and
    the voids that repeat one.

    `unfit` says what is wrong with the messages that are in none of these.
    """

    messages: Sequence[UsageMessage]
    keys: list[bytes]
    events: list[int] = field(default_factory=list)
    voids: dict[bytes, UsageMessage] = field(default_factory=dict)
    void_repeats: list[UsageMessage] = field(default_factory=list)
    unfit: dict[int, Unfit] = field(default_factory=dict)

    def event_keys(self) -> bytes:
        return b"".join([self.keys[seq] for seq in self.events])

    def body_hashes(self) -> bytes:
        """The hashes of the events. Raises UsageUnstorable where one is no hexadecimal text of 16 bytes."""
        try:
            hashes = bytes.fromhex("".join([self.messages[seq].body_hash for seq in self.events]))
        except ValueError:
            raise UsageUnstorable("a body hash is not hexadecimal") from None
        if len(hashes) != KEY_BYTES * len(self.events):
            raise UsageUnstorable("a body hash has not 16 bytes")
        return hashes

    def newest_us(self) -> int | None:
        """When the newest message that can be stored was received; None without any. Raises UsageUnstorable
        for a time that nobody can hold."""
        fit = (
            [message.received_us for seq, message in enumerate(self.messages) if seq not in self.unfit]
            if self.unfit
            else [message.received_us for message in self.messages]
        )
        newest_us = max(fit, default=None)
        if newest_us is not None and newest_us >= TIME_MAX_US:
            raise UsageUnstorable(f"a message was received at {newest_us} µs")
        return newest_us


def key_of(source: str, id: str) -> bytes:
    """Return the deduplication key of an event."""
    return sha256(f"{source}\0{id}".encode()).digest()[:KEY_BYTES]


def arrivals_of(messages: Sequence[UsageMessage], *, closely: bool = False) -> Arrivals:
    """Sort a batch. What can be seen to be too much for the store is `unfit`; `closely` looks at all of each
    message, data too.

    The first branch is written for every event there is.
    """
    found = Arrivals(messages, [key_of(message.source, message.id) for message in messages])
    for seq, message in enumerate(messages):
        if (
            not closely
            and message.kind == "event"
            and (
                TIME_MIN_US < message.time_us < TIME_MAX_US
                and 0 < len(message.subject) <= SUBJECT_MAX
                and 0 < len(message.type) <= TYPE_MAX
            )
        ):
            found.events.append(seq)
            continue
        unfit = unfit_message(message) or (
            unfit_data(message) if closely and message.kind == "event" else None
        )
        if unfit is not None:
            found.unfit[seq] = unfit
        elif message.kind == "event":
            found.events.append(seq)
        elif found.keys[seq] in found.voids:
            found.void_repeats.append(message)
        else:
            found.voids[found.keys[seq]] = message
    return found
