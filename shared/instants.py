"""Instants as whole microseconds, exactly: arithmetic only, so that a domain may use it. It reads no clock."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(instant: datetime) -> int:
    """Whole microseconds since the epoch, exactly (no float on the way)."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_us(instant_us: int) -> datetime:
    """The UTC instant of so many microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=instant_us)
