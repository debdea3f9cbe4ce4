"""What is asked of the door's counts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DoorFilter:
    """Which hours; None does not restrict. `until` is exclusive."""

    key_id: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
