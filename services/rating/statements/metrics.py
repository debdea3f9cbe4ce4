"""What pricing tells Prometheus."""

from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

#: Somebody looks, somebody waits for it, or its time has come.
Cause = Literal["read", "due", "told"]
PRICED = Counter(
    "u2c_statements_priced_total",
    "Revisions of statements: read (somebody looked), due (somebody waits for it), told (its time had come)",
    ["cause"],
)
MARKS = Gauge("u2c_open_marks", "Marks that no pricing has fanned out yet")
BACKLOG = Gauge("u2c_pricing_backlog", "Statements that are due and not priced yet")
OVERDUE = Gauge(
    "u2c_period_overdue_seconds",
    "Since when the period that waits longest for its close is due, by the business clock; 0: none",
)
TOLD_EVERY = Gauge(
    "u2c_told_every_seconds", "Time from one telling of a statement that nobody looks at to the next"
)
SECONDS = Histogram(
    "u2c_pricing_seconds",
    "Time of one pricing transaction",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
for cause in ("read", "due", "told"):
    # born at 0: of a series born at 1, no rule sees the first
    PRICED.labels(cause)
