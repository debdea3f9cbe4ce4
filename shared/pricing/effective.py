"""A clause as it stands in a stretch of a period: all that later steps see of versions, phases and dates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from shared.pricing.clause import Clause

C_co = TypeVar("C_co", bound=Clause, covariant=True)


class Origin(NamedTuple):
    """A clause that went into what is in force, and what it says."""

    clause_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Effective(Generic[C_co]):
    """A clause between two edges (half-open), and every clause that went into it, its own first.

    `days` are the local days that begin there, `billed_days` those of the period, `whole_days` those of the full
    period that the anchors draw.
    """

    clause: C_co
    version: int
    start: datetime
    end: datetime
    days: int
    billed_days: int
    whole_days: int
    origins: tuple[Origin, ...]

    @property
    def hash(self) -> str:
        """What the clause says."""
        return self.origins[0].hash
