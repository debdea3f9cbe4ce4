"""The business clock and who follows it, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ClockRow:
    """Where the clock stands; `moved_to` is None while it is the machine's."""

    moved_to: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance of a service, and the last move that it followed."""

    instance_id: str
    service: str
    seen_at: datetime
    acked_revision: int
