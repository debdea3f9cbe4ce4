"""Subscription to usage.raw: events that products put on the bus themselves, judged as if they had come over
HTTP.

What is accepted is published before the position commits (at least once; metering absorbs the repeats). The
quarantine and the receipts commit with the position, so they are exact, and the receipt names topic,
partition and offsets where a request's names its key. Keys of records are not read, nor headers other than
those of CloudEvents' binary mode.
"""

from dataclasses import replace

from services.usage_ingest.domain.acceptance import Acceptance, accept
from services.usage_ingest.domain.binary import event_of_record
from services.usage_ingest.domain.events import Circumstances
from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.limits import EVENT_KEPT_MAX_BYTES
from services.usage_ingest.door import metrics
from services.usage_ingest.door.clients import publish_usage, quarantine_message, receipts
from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.door.usecases.accept import circumstances
from services.usage_ingest.quarantine.usecases.keep import keep
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.topics.usage_ingest import USAGE_QUARANTINE, USAGE_RAW, USAGE_RECEIPTS


async def take_raw(batch: Batch[bytes], uow: UnitOfWork, context: DoorContext) -> BatchCounts:
    judged_by, acceptance = circumstances(context, uow.trace), Acceptance()
    if batch.unreadable:
        acceptance.quarantine(
            0,
            batch.messages[0],
            EventFault("record_unreadable", f"{batch.unreadable}; send its events again"),
        )
    else:
        accept(
            [
                event_of_record(value, headers) if headers else value
                for value, headers in zip(batch.messages, batch.headers, strict=True)
            ],
            judged_by,
            acceptance,
        )
    await publish_usage(
        context.bus, acceptance.published, judged_by.trace, context.settings.publish_timeout_s
    )
    await _keep(acceptance, judged_by, batch, uow)
    metrics.count(acceptance)
    return BatchCounts(new=len(batch.messages))


async def _keep(
    acceptance: Acceptance, judged_by: Circumstances, batch: Batch[bytes], uow: UnitOfWork
) -> None:
    """Tell the quarantine and the receipts. A record too large for any message of the bus is stored here and
    now, and counts as refused."""
    run = f"{batch.topic}:{batch.partition}:{batch.start}-{batch.end}"
    messages = [
        quarantine_message(
            replace(each, index=batch.offsets[each.index] - batch.start),
            key_id=run,
            received_us=judged_by.received_us,
            business_us=judged_by.business_us,
            trace=judged_by.trace,
        )
        for each in acceptance.quarantined
    ]
    too_large = [message for message in messages if len(message.raw) > EVENT_KEPT_MAX_BYTES]
    if too_large:
        await keep(uow, too_large)
    for message in messages:
        if len(message.raw) <= EVENT_KEPT_MAX_BYTES:
            uow.tell(USAGE_QUARANTINE, message)
    for receipt in receipts(acceptance, run, judged_by.received_us):
        uow.tell(USAGE_RECEIPTS, receipt)


SUBSCRIPTIONS = (Subscribe(USAGE_RAW, take_raw),)
