"""When a process looked at the books and asked for a check of them last."""

from dataclasses import dataclass


@dataclass
class Rounds:
    """In seconds of the monotonic clock; None: not yet."""

    looked_at: float | None = None
    checked_at: float | None = None
    took_s: float = 0.0  # of the last check
    broken: bool = False  # whether it found a break
