"""Usage that counts for somebody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Apart:
    """Usage of a subject between two instants that is somebody else's for good, up to a batch of each
    partition (as text)."""

    subject: str
    start: datetime
    end: datetime
    batches: Mapping[str, int]

    def covers(self, subject: str, time: datetime, partition: int, batch_id: int) -> bool:
        return (
            self.subject == subject
            and self.start <= time < self.end
            and batch_id <= self.batches.get(str(partition), 0)
        )


@dataclass(frozen=True, slots=True)
class Left:
    """A subject that has left, and up to which batch of each partition (as text) its usage stays with whom it left."""

    subject: str
    batches: Mapping[str, int]
