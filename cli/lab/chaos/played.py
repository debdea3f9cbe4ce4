"""What a played month came to, and the settings the services have in it."""

from dataclasses import dataclass, field
from typing import Any

from lab.chaos.faults import Strike

SETTINGS = {
    "*": {"U2C_SESSION_TIMEOUT_S": "1.5"},  # a stopped member loses its partitions before it wakes
    "rating": {"U2C_REPRICE_MIN_S": "0.05"},  # every look prices
}


@dataclass
class Played:
    """One month: what was done and what was found. No findings: everything held."""

    campaign: str
    bus: str
    seed: int
    seconds: float = 0.0
    strikes: list[Strike] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
