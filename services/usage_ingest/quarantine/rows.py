"""What is asked of the quarantine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events of the quarantine; None does not restrict."""

    status: str | None = None
    code: str | None = None
    source: str | None = None
    id: str | None = None
    subject: str | None = None
    type: str | None = None
    by: str | None = None
