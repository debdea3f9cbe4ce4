"""An event's `time`: RFC 3339 with an offset, as whole microseconds since the epoch, UTC."""

import re
from datetime import UTC, datetime
from typing import Final

from services.usage_ingest.domain.faults import EventFault
from shared.values.instants import to_us
from shared.values.names import shown

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WITHOUT_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)
EXAMPLE: Final = "2013-07-15T09:30:00Z"
STORABLE_FROM_US: Final = to_us(datetime(1, 1, 1, tzinfo=UTC))
STORABLE_TO_US: Final = to_us(datetime(9999, 12, 31, tzinfo=UTC))


def read_instant(text: str | None) -> int:
    """Return the instant in µs since the epoch; finer digits are cut off. Raises EventFault: it is never
    stamped or guessed."""
    if not text:
        raise EventFault("time_missing", f"`time` is missing; say when the usage happened, such as {EXAMPLE}")
    if not _RFC3339.fullmatch(text):
        raise _unreadable(text)
    try:
        return to_us(datetime.fromisoformat(text.upper()))
    except ValueError:
        raise _unreadable(text) from None


def storable_instant(text: str) -> int | None:
    """The instant in µs where it can be read and a database can hold it, else None: for what is refused
    anyway."""
    try:
        time_us = read_instant(text)
    except EventFault:
        return None
    return time_us if STORABLE_FROM_US <= time_us <= STORABLE_TO_US else None


def _unreadable(text: str) -> EventFault:
    if _WITHOUT_OFFSET.fullmatch(text):
        return EventFault(
            "time_unreadable", f"`time` {shown(text)} has no offset; add Z or one such as +05:45"
        )
    return EventFault(
        "time_unreadable", f"`time` {shown(text)} is not RFC 3339 with an offset, such as {EXAMPLE}"
    )
