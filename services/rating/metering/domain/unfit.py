"""What no store can take of a message, told as the quarantine tells it: a code for machines, a detail with
fault and remedy, the event's bytes."""

import re
from typing import Any, NamedTuple

import msgspec

from services.rating.metering.domain.scalar import Literal
from shared.topics.usage_ingest import UsageMessage
from shared.values import names
from shared.values.instants import from_us, written
from shared.values.json_values import children
from shared.values.names import NameFault, shown

BODY_HASH_BYTES = 16
TIME_MIN_US, TIME_MAX_US = -(2**55), 2**57  # within what the store can hold
# numbers that are none to a store; the door takes 64 digits and 1e99
_LARGE = re.compile(r"[0-9]{1000}|[eE][+-]?0*[1-9][0-9]{3}")
_decode = msgspec.json.Decoder(float_hook=Literal).decode


class Unfit(NamedTuple):
    code: str
    detail: str


def unfit_message(message: UsageMessage) -> Unfit | None:
    """What is wrong with the message beside its data; None for one that a store can hold."""
    try:
        names.verbatim(names.SOURCE, message.source)
        names.verbatim(names.EVENT_ID, message.id)
        if message.kind == "event":
            names.verbatim(names.EVENT_TYPE, message.type)
            names.verbatim(names.SUBJECT, message.subject)
    except NameFault as fault:
        return Unfit(fault.code, fault.detail)
    if message.kind not in ("event", "void"):
        return Unfit(
            "kind_unknown", f"kind {shown(message.kind)} is neither event nor void; send one of the two"
        )
    times_us = (message.received_us, message.time_us if message.kind == "event" else 0)
    if not all(TIME_MIN_US < time_us < TIME_MAX_US for time_us in times_us):
        return Unfit(
            "timestamp_out_of_range",
            f"{max(times_us, key=abs)} µs since 1970 lies in no calendar; correct the clock that said it",
        )
    if message.kind == "event" and not _is_hash(message.body_hash):
        return Unfit(
            "body_hash_malformed",
            f"the body hash {shown(message.body_hash)} is not {BODY_HASH_BYTES} bytes in hexadecimal",
        )
    return None


def unfit_data(message: UsageMessage) -> Unfit | None:
    """What is wrong with the message's data; None for what a store can hold."""
    try:
        _look([_decode(message.data)])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return Unfit(
            "data_not_storable", f"`data` is no JSON in UTF-8 that a store can hold: {fault}; send it as JSON"
        )
    except ValueError as fault:
        return Unfit("data_not_storable", f"`data` {fault}")
    return None


def as_sent(message: UsageMessage) -> bytes:
    """The message as its producer could have sent it to the door: a CloudEvent, or the name of a voided
    event."""
    if message.kind == "void":
        return msgspec.json.encode({"source": message.source, "id": message.id})
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": message.id,
            "source": message.source,
            "type": message.type,
            "subject": message.subject,
            "time": _text(message.time_us),
            "data": message.data,
        }
    )


def _is_hash(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == BODY_HASH_BYTES
    except ValueError:
        return False


def _look(level: list[Any]) -> None:
    """Look at a value level by level. Raises ValueError for what no store can hold."""
    while level:
        for value in level:
            if isinstance(value, Literal) or type(value) is int:
                if _LARGE.search(str(value)):
                    raise ValueError("holds a number with thousands of digits; send fewer")
            elif isinstance(value, str) and "\0" in value:
                raise ValueError(f"holds a NUL character in {shown(value)}; remove it")
        level = [child for value in level for child in children(value)]


def _text(time_us: int) -> str:
    try:
        return written(from_us(time_us))
    except OverflowError:
        return str(time_us)
