"""The catalogue that events are judged by, in this process's memory."""

from dataclasses import dataclass, field
from typing import Protocol

from services.usage_ingest.domain.catalogue import Catalogue
from services.usage_ingest.settings import IngestSettings
from shared.runtime.context import Context


@dataclass
class Replica:
    """The catalogue of this process, and the transaction from which on it may not know everything."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    since: int = 0


class ReplicaState(Protocol):
    """The part of the service's state that the replica uses."""

    @property
    def replica(self) -> Replica: ...


ReplicaContext = Context[IngestSettings, ReplicaState]
