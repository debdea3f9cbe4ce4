"""What conservation tells Prometheus."""

from collections.abc import Iterable

from prometheus_client import Gauge

from services.billing.conservation.domain.waiting import Waiting

CHECKED = Gauge(
    "u2c_conservation_checked_timestamp_seconds",
    "When all statements were last checked; before the first time, when checking began",
)
WAITING = Gauge(
    "u2c_waiting_minor",
    "Revenue that waits, in minor units of its currency (exact up to 9.007e15), at the last check",
    ["place", "reason", "owner", "currency"],
)
BREAKS = Gauge(
    "u2c_conservation_breaks",
    "Rows at which a conservation statement does not hold, as last checked",
    ["statement"],
)


def measure_waiting(waiting: Iterable[Waiting]) -> None:
    """Replace all at once: what no longer waits leaves no series behind."""
    WAITING.clear()
    for one in waiting:
        for value in one.value:
            WAITING.labels(one.place, one.reason, one.owner, value.currency.code).set(value.minor)
