"""What the door remembers: how much is in flight, beyond which the producer waits, not this process's memory,
and what it refused since that was told."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from services.usage_ingest.replica.memory import ReplicaState
from services.usage_ingest.settings import IngestSettings
from shared.errors import AppError, Kind
from shared.runtime.context import Context, FromRequest


class DoorFull(AppError):
    """Too many events are in flight; send again after Retry-After."""

    kind = Kind.BUSY


@dataclass
class Capacity:
    """Requests and bytes in flight in this process."""

    requests_max: int
    bytes_max: int
    requests: int = 0
    bytes: int = 0

    @contextmanager
    def admit(self, size_bytes: int) -> Iterator[None]:
        """Hold room for one body while it is worked on; raise DoorFull when there is none. One body alone
        always fits."""
        if self.requests >= self.requests_max or (self.requests and self.bytes + size_bytes > self.bytes_max):
            raise DoorFull(
                f"{self.requests} requests with {self.bytes} bytes are in flight; nothing of this one was accepted",
                retry_after_s=1,
            )
        self.requests, self.bytes = self.requests + 1, self.bytes + size_bytes
        try:
            yield
        finally:
            self.requests, self.bytes = self.requests - 1, self.bytes - size_bytes


class DoorState(ReplicaState, Protocol):
    """The part of the service's state that the door uses, beside the catalogue that events are judged by."""

    @property
    def capacity(self) -> Capacity: ...

    @property
    def refusals(self) -> Counter[str]:
        """Key id → its requests that were refused as a whole and are not told yet."""


DoorContext = Context[IngestSettings, DoorState]
Ctx = FromRequest[DoorContext]
