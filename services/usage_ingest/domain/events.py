"""One event: from its bytes to the message on the bus, or the fault that sends it to the quarantine."""

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from services.usage_ingest.domain.catalogue import Catalogue
from services.usage_ingest.domain.envelope import Envelope, check_format, read_envelope
from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.instants import read_instant
from services.usage_ingest.domain.limits import EVENT_MAX_BYTES
from services.usage_ingest.domain.names import SHORT_MAX_CHARACTERS, read_name
from services.usage_ingest.domain.payload import canonical, read_data
from services.usage_ingest.domain.repeats import refuse_repeats
from shared.topics.usage_ingest import UsageMessage
from shared.values.instants import from_us

BODY_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an event is judged by, apart from itself. Times in µs since the epoch."""

    catalogue: Catalogue
    received_us: int  # machine clock
    business_us: int
    earliest_us: int  # the accept horizon, business clock
    latest_us: int  # how far ahead a producer's clock may be
    trace: str = ""


def read_event(raw: bytes, judged_by: Circumstances) -> UsageMessage:
    """Return the event as it goes on the bus; raise EventFault for the first thing wrong with it."""
    if len(raw) > EVENT_MAX_BYTES:
        raise EventFault(
            "event_too_large",
            f"the event has {len(raw)} bytes; at most {EVENT_MAX_BYTES} are taken: leave out what is not metered",
        )
    envelope = read_envelope(raw)
    check_format(envelope)
    event_id, source, event_type, subject = _names(envelope)
    time_us = read_instant(envelope.time)
    if not judged_by.earliest_us <= time_us <= judged_by.latest_us:
        raise _out_of_range(time_us, judged_by)
    payload = bytes(envelope.data)
    data, properties = read_data(payload)
    refuse_repeats(raw, envelope, payload, data, properties)
    for rule in judged_by.catalogue.rules.get(event_type, ()):
        rule.check(data)
    stored = msgspec.Raw(canonical(data))
    return UsageMessage(
        source=source,
        id=event_id,
        received_us=judged_by.received_us,
        type=event_type,
        subject=subject,
        time_us=time_us,
        data=stored,
        body_hash=body_hash(event_type, subject, time_us, stored),
        trace=judged_by.trace,
    )


def body_hash(event_type: str, subject: str, time_us: int, data: msgspec.Raw) -> str:
    """What makes two bodies of one id the same: 16 bytes, hex, of SHA-256 over the canonical JSON `[type,
    subject, time in µs, data]`."""
    return sha256(canonical((event_type, subject, time_us, data))).digest()[:BODY_HASH_BYTES].hex()


def _names(envelope: Envelope) -> tuple[str, str, str, str]:
    """Id, source, type and subject, checked and normalised."""
    event_id, source, event_type, subject = envelope.id, envelope.source, envelope.type, envelope.subject
    if event_id and source and event_type and subject:
        joined = f"{event_id}{source}{event_type}{subject}"
        if (
            joined.isascii()
            and joined.isprintable()
            and len(joined) <= SHORT_MAX_CHARACTERS
            and " " not in joined
        ):
            return event_id, source, event_type, subject
    return (
        read_name("id", event_id),
        read_name("source", source),
        read_name("type", event_type),
        read_name("subject", subject),
    )


def _out_of_range(time_us: int, judged_by: Circumstances) -> EventFault:
    now, earliest = from_us(judged_by.business_us).isoformat(), from_us(judged_by.earliest_us).isoformat()
    if time_us > judged_by.latest_us:
        what = f"`time` lies ahead of this system's clock ({now}) by more than the tolerance; correct the producer's clock"
    else:
        what = f"`time` lies before the accept horizon ({earliest}); usage so old is not billed"
    return EventFault("timestamp_out_of_range", what)
