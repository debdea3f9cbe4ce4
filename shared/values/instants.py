"""Instants as text and as whole microseconds, exactly: arithmetic only, so that a domain may use it. It reads
no clock."""

import re
from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_day(text: str) -> date:
    """The day of YYYY-MM-DD. Raises ValueError for anything else: Python reads 2024-W20-1 and 20240513 as
    that day too."""
    if not _DAY.fullmatch(text):
        raise ValueError("not YYYY-MM-DD")
    return date.fromisoformat(text)


def read_instant(text: str) -> datetime:
    """The instant of an RFC 3339 text with its offset; what is finer than a microsecond is cut off. Raises
    ValueError for anything else."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not RFC 3339 with an offset")
    return datetime.fromisoformat(text.upper())


def written(instant: datetime) -> str:
    """The instant as RFC 3339; with `Z` where it is in UTC."""
    return instant.isoformat().replace("+00:00", "Z")


def to_us(instant: datetime) -> int:
    """Whole microseconds since the epoch, exactly (no float on the way)."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_us(instant_us: int) -> datetime:
    """The UTC instant of so many microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=instant_us)
