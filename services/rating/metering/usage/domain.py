"""Windows of a series: local hours, days or months, half-open, correct across DST."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.errors import AppError
from shared.values.instants import read_day, read_instant
from shared.values.period import month_after

Window = Literal["hour", "day", "month"]
WINDOWS_MAX = 1000
DAY_CHARACTERS = len("2026-03-01")
YEARS = range(1970, 9000)


class TooManyWindows(AppError):
    """A series has at most 1,000 windows; ask for a shorter time or a wider window."""


class TimeUnreadable(AppError):
    """A time is an RFC 3339 instant with its offset, or a local date YYYY-MM-DD."""


class TimesReversed(AppError):
    """`from` lies before `to`."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A need without a line: the usage of a meter between two instants, by these dimensions."""

    meter: str
    start: datetime
    end: datetime
    dimensions: tuple[str, ...]


def instant_of(text: str, timezone: str) -> datetime:
    """Return the instant, a date being its local midnight. Raises TimeUnreadable."""
    try:
        moment = (
            datetime.combine(read_day(text), time(), ZoneInfo(timezone))
            if len(text) == DAY_CHARACTERS
            else read_instant(text)
        )
        if moment.year not in YEARS:
            raise ValueError("no year of this world")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeUnreadable(
            f"{text[:40]!r} is neither an instant such as 2026-03-01T00:00:00Z nor a date such as 2026-03-01"
        ) from None


def windows(
    start: datetime, end: datetime, window: Window, timezone: str
) -> Iterator[tuple[datetime, datetime]]:
    """Cut [start, end) at local hours, midnights or month starts. Raises TimesReversed and TooManyWindows."""
    if start >= end:
        raise TimesReversed(f"from {start.isoformat()} to {end.isoformat()}")
    zone, lower = ZoneInfo(timezone), start
    for _ in range(WINDOWS_MAX):
        upper = min(_next_edge(lower, window, zone), end)
        yield lower, upper
        lower = upper
        if lower == end:
            return
    raise TooManyWindows()


def _next_edge(instant: datetime, window: Window, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    if window == "hour":
        # Counted in elapsed time, so that the hour a clock change repeats is two windows.
        return (
            instant
            + timedelta(hours=1)
            - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        )
    day = local.date() + timedelta(days=1) if window == "day" else month_after(local.date())
    edge = datetime.combine(day, time(), zone).astimezone(UTC)
    return edge if edge > instant else edge + timedelta(hours=1)
