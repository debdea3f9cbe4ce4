"""The connections of one process: how many there may be, and which of them makes room for a new one."""

from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from prometheus_client import Counter, Gauge

OPEN = Gauge("u2c_http_connections", "Connections that are open")
ENDED = Counter(
    "u2c_http_connections_ended_total", "Connections this side ended before their caller did", ["reason"]
)
REASONS = ("made_room", "no_head", "no_request", "answer_not_taken", "body_not_sent", "refused")
for _reason in REASONS:
    ENDED.labels(_reason)


class Connection(Protocol):
    def end(self, reason: str) -> None:
        """Close it now, whatever it holds."""


@dataclass
class Connections:
    """Those without a request in work, in the order in which they began to wait. First go those that were
    never answered, then those that do not take their answer, then those that are between two requests."""

    connections_max: int
    _open: int = 0
    _strangers: dict[Connection, None] = field(default_factory=dict)
    _stalled: dict[Connection, None] = field(default_factory=dict)
    _idle: dict[Connection, None] = field(default_factory=dict)

    def add(self, connection: Connection) -> None:
        """Take a new one; when there are too many, the one that has waited longest is ended, so that silence
        shuts nobody out."""
        self._open += 1
        OPEN.set(self._open)
        self._strangers[connection] = None
        if self._open > self.connections_max:
            longest = next(chain(self._strangers, self._stalled, self._idle))
            if longest is connection:
                longest = next(chain(self._stalled, self._idle), connection)
            self.works(longest)
            longest.end("made_room")

    def works(self, connection: Connection) -> None:
        for waiting in (self._strangers, self._stalled, self._idle):
            waiting.pop(connection, None)

    def waits(self, connection: Connection) -> None:
        """It was answered and may send its next request."""
        self._idle[connection] = None

    def stalls(self, connection: Connection) -> None:
        """It does not take its answer."""
        self.works(connection)
        self._stalled[connection] = None

    def remove(self, connection: Connection) -> None:
        self.works(connection)
        self._open -= 1
        OPEN.set(self._open)
