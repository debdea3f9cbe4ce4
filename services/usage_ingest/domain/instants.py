"""An event's `time`: RFC 3339 with an offset, as whole microseconds since the epoch, UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from services.usage_ingest.domain.faults import EventFault, shown

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WITHOUT_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
EXAMPLE: Final = "2013-07-15T09:30:00Z"


def read_instant(text: str | None) -> int:
    """Return the instant in µs since the epoch; finer digits are cut off. Raises EventFault: it is never stamped or guessed."""
    if not text:
        raise EventFault("time_missing", f"`time` is missing; say when the usage happened, such as {EXAMPLE}")
    if not _RFC3339.fullmatch(text):
        raise _unreadable(text)
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except ValueError:
        raise _unreadable(text) from None


def _unreadable(text: str) -> EventFault:
    if _WITHOUT_OFFSET.fullmatch(text):
        return EventFault("time_unreadable", f"`time` {shown(text)} has no offset; add Z or one such as +05:45")
    return EventFault("time_unreadable", f"`time` {shown(text)} is not RFC 3339 with an offset, such as {EXAMPLE}")
