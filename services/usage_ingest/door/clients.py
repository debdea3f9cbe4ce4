"""Puts what was accepted on the bus: first the events and the quarantine, then the receipt. It returns when
all of it is durable."""

import asyncio
from collections.abc import Iterable

from services.usage_ingest.domain.acceptance import Acceptance, Quarantined
from services.usage_ingest.domain.events import Circumstances
from shared.bus import Bus, BusUnavailable, Record
from shared.topics.usage_ingest import (
    USAGE_EVENTS,
    USAGE_QUARANTINE,
    USAGE_RECEIPTS,
    QuarantineMessage,
    ReceiptMessage,
    UsageMessage,
)
from shared.values.ids import new_id


async def publish(
    bus: Bus, acceptance: Acceptance, key_id: str, judged_by: Circumstances, timeout_s: float
) -> None:
    """Raise BusUnavailable when anything may not be durable; the producer sends again, and metering absorbs
    what was.

    The receipt comes last, so that receipts never say more than was published (K2).
    """
    messages = [
        quarantine_message(
            each,
            key_id=key_id,
            received_us=judged_by.received_us,
            business_us=judged_by.business_us,
            trace=judged_by.trace,
        )
        for each in acceptance.quarantined
    ]
    kept = [Record(message.source.encode(), USAGE_QUARANTINE.encode(message)) for message in messages]
    try:
        async with asyncio.timeout(timeout_s):
            await _all_of(
                bus,
                {
                    USAGE_EVENTS.name: usage_records(acceptance.published, judged_by.trace),
                    USAGE_QUARANTINE.name: kept,
                },
            )
            told = receipts(acceptance, key_id, judged_by.received_us)
            await bus.publish(USAGE_RECEIPTS.name, receipt_records(told))
    except TimeoutError:
        raise BusUnavailable(f"the bus did not answer within {timeout_s:g} s") from None


async def publish_usage(
    bus: Bus, published: list[tuple[bytes, UsageMessage]], trace: str, timeout_s: float
) -> None:
    """Only the events: for runs of usage.raw, whose receipts and quarantine commit with their position."""
    try:
        async with asyncio.timeout(timeout_s):
            await bus.publish(USAGE_EVENTS.name, usage_records(published, trace))
    except TimeoutError:
        raise BusUnavailable(f"the bus did not answer within {timeout_s:g} s") from None


def usage_records(published: list[tuple[bytes, UsageMessage]], trace: str) -> list[Record]:
    """The records of usage.events. The messages carry the trace; the first record also as a header, for
    whoever sees only headers."""
    encode = USAGE_EVENTS.encode
    records = [Record(key, encode(message)) for key, message in published]
    if records and trace:
        records[0] = Record(records[0].key, records[0].value, (("trace", trace.encode()),))
    return records


def receipts(acceptance: Acceptance, key_id: str, received_us: int) -> list[ReceiptMessage]:
    """One receipt a source."""
    return [
        ReceiptMessage(
            new_id("rec"),
            key_id,
            source,
            received_us,
            tally.received,
            tally.published,
            tally.quarantined,
            tally.refused,
        )
        for source, tally in acceptance.tallies.items()
    ]


def refusal(key_id: str, requests: int, received_us: int) -> ReceiptMessage:
    """The receipt of requests that could not be read as events: counted by request, kept nowhere."""
    return ReceiptMessage(new_id("rec"), key_id, "", received_us, requests, 0, 0, requests)


def receipt_records(messages: Iterable[ReceiptMessage]) -> list[Record]:
    return [Record(message.source.encode(), USAGE_RECEIPTS.encode(message)) for message in messages]


def quarantine_message(
    quarantined: Quarantined, *, key_id: str, received_us: int, business_us: int, trace: str
) -> QuarantineMessage:
    """An event with a fault as it goes into the quarantine."""
    traits = quarantined.traits
    return QuarantineMessage(
        new_id("qua"),
        quarantined.code,
        quarantined.detail,
        quarantined.raw,
        received_us,
        business_us,
        key_id,
        trace,
        quarantined.index,
        traits.source,
        traits.id,
        traits.type,
        traits.subject,
        traits.time_us,
    )


async def _all_of(bus: Bus, topics: dict[str, list[Record]]) -> None:
    """Publish all at once and wait for all, also when one fails: nothing is left running behind the
    answer."""
    outcomes = await asyncio.gather(
        *(bus.publish(topic, records) for topic, records in topics.items() if records), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
