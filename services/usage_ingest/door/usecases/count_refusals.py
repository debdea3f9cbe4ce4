"""Requests refused as a whole: counted by key, told as receipts. A killed process loses what it counted since
the last time, never an event."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.usage_ingest.door import metrics
from services.usage_ingest.door.clients import receipt_records, refusal
from services.usage_ingest.door.memory import DoorContext
from shared.bus import BusUnavailable
from shared.errors import AppError, Kind
from shared.runtime.clock import machine_us
from shared.topics.usage_ingest import USAGE_RECEIPTS

#: Nothing was decided about what they carried.
THE_PRODUCERS_TO_REPEAT = (Kind.BUSY, Kind.UNAVAILABLE)


@contextmanager
def counted(context: DoorContext, key_id: str) -> Iterator[None]:
    """Count the request when the block refuses it."""
    try:
        yield
    except AppError as fault:
        metrics.REFUSED.labels(fault.code).inc()
        if fault.kind not in THE_PRODUCERS_TO_REPEAT:
            context.state.refusals[key_id] += 1
        raise
    except BusUnavailable:
        metrics.REFUSED.labels(metrics.UNAVAILABLE).inc()
        raise


async def tell_refusals(context: DoorContext) -> None:
    """Publish what was counted since the last time; keep it for the next time when the bus does not take
    it."""
    counts = context.state.refusals
    told = dict(counts)
    if not told:
        return
    counts.clear()
    messages = [refusal(key_id, requests, machine_us()) for key_id, requests in told.items()]
    try:
        await context.bus.publish(USAGE_RECEIPTS.name, receipt_records(messages))
    except BusUnavailable:
        counts.update(told)
        raise
