"""When a customer's day is evaluated: from the policy's local hour on. Pure."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def due_at(day: date, timezone: str, hour: int) -> datetime:
    """The instant from which a local day may be evaluated."""
    return datetime.combine(day, time(hour), ZoneInfo(timezone)).astimezone(UTC)


def local_day(instant: datetime, timezone: str) -> date:
    return instant.astimezone(ZoneInfo(timezone)).date()
