"""What is asked of the facts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FactFilter:
    """What a list of facts is asked for; None asks for all."""

    type: str | None = None
    customer: str | None = None
    contract: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
