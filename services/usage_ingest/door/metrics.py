"""What the door counts for Prometheus. Labels are enums and codes of ours, never a producer's text."""

from prometheus_client import Counter

from services.usage_ingest.domain.acceptance import Acceptance
from shared.errors import all_codes

#: Of a refusal that the bus is the reason of.
UNAVAILABLE = "unavailable"

EVENTS = Counter("u2c_ingest_events_total", "Events by what became of them at the door", ["outcome"])
QUARANTINED = Counter("u2c_ingest_quarantined_total", "Events quarantined, by code", ["code"])
VOIDS = Counter("u2c_ingest_voids_total", "Voids published")
REFUSED = Counter("u2c_ingest_refused_total", "Requests refused as a whole, by code", ["code"])


def born_at_zero() -> None:
    """Let every refusal there can be count from 0: of a series that is born at 1, no rule sees the first."""
    for code in (*all_codes(), UNAVAILABLE):
        REFUSED.labels(code)


def count(acceptance: Acceptance) -> None:
    """Count one published request."""
    outcomes = {"accepted": acceptance.accepted, "unmatched": 0, "duplicate": 0, "conflict": 0}
    for result in acceptance.results:
        if result.status != "quarantined":
            outcomes[result.code] += 1
    outcomes["accepted"] -= outcomes["unmatched"]
    for outcome, events in outcomes.items():
        if events:
            EVENTS.labels(outcome).inc(events)
    if acceptance.quarantined:
        EVENTS.labels("quarantined").inc(len(acceptance.quarantined))
    for quarantined in acceptance.quarantined:
        QUARANTINED.labels(quarantined.code).inc()
