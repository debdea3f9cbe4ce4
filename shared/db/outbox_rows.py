"""Rows of an outbox as the relay reads them: the fields are the columns."""

from collections.abc import Mapping
from dataclasses import dataclass

# Not frozen: one is made for each message there is, and a frozen one takes five times as long to make.


@dataclass(slots=True)
class WaitingMessage:
    """A message that waits for the bus, in `outbox` or in `outbox_refused`. `key` is that of its record;
    `partition` is None in rows of before: the one its key chooses."""

    outbox_id: int
    topic: str
    key: bytes
    partition: int | None
    value: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What a message is a message of."""

    topic: str
    key: bytes

    @property
    def reference(self) -> str:
        """What an exception about it names."""
        return f"{self.topic} {self.shown}"

    @property
    def shown(self) -> str:
        return self.key.decode("utf-8", "replace").replace("\0", " ")


@dataclass(frozen=True, slots=True)
class RefusedMessage(MessageKey):
    """A message that the bus refused, and what it answered last."""

    reason: str
