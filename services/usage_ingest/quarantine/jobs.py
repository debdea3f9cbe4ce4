"""What the quarantine tells Prometheus."""

from prometheus_client import Gauge

from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.quarantine.usecases.find import count_open
from shared.runtime.jobs import Job

EVERY_S = 10.0
OPEN = Gauge("u2c_quarantine_open", "Events that wait in quarantine, by code", ["code"])


async def measure(context: DoorContext) -> None:
    """Count what is open; a code of which nothing is left has no series."""
    async with context.db.transaction() as uow:
        found = await count_open(uow)
    OPEN.clear()
    for code, events in found.items():
        OPEN.labels(code).set(events)


JOBS = (Job("quarantine_open", EVERY_S, measure, follows_clock=False),)
