"""Usage that counts for somebody else."""

from dataclasses import dataclass
from datetime import datetime

from services.rating.metering.domain.stretches import Stretches


@dataclass(frozen=True, slots=True)
class Apart:
    """Usage of a subject between two instants that is somebody else's for good: what came in these batches."""

    subject: str
    start: datetime
    end: datetime
    charged: Stretches

    def covers(self, subject: str, time: datetime, partition: int, batch_id: int) -> bool:
        return (
            self.subject == subject
            and self.start <= time < self.end
            and self.charged.has(partition, batch_id)
        )


@dataclass(frozen=True, slots=True)
class Left:
    """A subject that has left, and in which batches came what of its usage stays with whom it left."""

    subject: str
    counted: Stretches
