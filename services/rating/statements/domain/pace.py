"""How often a statement is priced again between barriers: often when there is little to do, seldom under load."""

from dataclasses import dataclass

DUTY = 0.35                                # the share of one core that pricing may take for long
SMOOTHING = 0.2


@dataclass
class Pace:
    """`interval_s` is the least time between two revisions of a statement; it grows with what a sweep over the backlog costs."""

    min_s: float
    max_s: float
    statement_s: float = 0.0               # what one statement has cost of late, seconds of this process
    interval_s: float = 0.0

    def __post_init__(self) -> None:
        self.interval_s = self.min_s

    def priced(self, statements: int, seconds: float, backlog: int) -> None:
        """Learn from one transaction that priced so many statements in so many seconds, with so many still asked for."""
        cost_s = seconds / max(statements, 1)
        self.statement_s = cost_s if not self.statement_s else self.statement_s + SMOOTHING * (cost_s - self.statement_s)
        self.interval_s = min(max(self.min_s, (backlog + statements) * self.statement_s / DUTY), self.max_s)
