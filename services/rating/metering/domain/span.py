"""How a stretch of time is covered by UTC days, hours and, inside an hour, raw events."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Range = tuple[datetime, datetime]  # half-open, never empty


@dataclass(frozen=True, slots=True)
class Cover:
    """Disjoint ranges that make up the stretch. Days and hours are whole ones of UTC."""

    days: tuple[Range, ...]
    hours: tuple[Range, ...]
    raw: tuple[Range, ...]

    @property
    def aggregated(self) -> tuple[Range, ...]:
        """Days and hours as one range, or none."""
        whole = (*self.days, *self.hours)
        return ((min(start for start, _ in whole), max(end for _, end in whole)),) if whole else ()


@lru_cache(10_000)
def cover(start: datetime, end: datetime, *, by_days: bool = True) -> Cover:
    """Cover [start, end). `by_days=False`: hours only, for what has no daily roll-up."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    first_hour, last_hour = _up(start, HOUR), _down(end, HOUR)
    if first_hour > last_hour:
        return Cover((), (), _ranges((start, end)))
    raw = _ranges((start, first_hour), (last_hour, end))
    first_day, last_day = _up(first_hour, DAY), _down(last_hour, DAY)
    if not by_days or first_day >= last_day:
        return Cover((), _ranges((first_hour, last_hour)), raw)
    return Cover(_ranges((first_day, last_day)), _ranges((first_hour, first_day), (last_day, last_hour)), raw)


def _ranges(*ranges: Range) -> tuple[Range, ...]:
    return tuple((start, end) for start, end in ranges if start < end)


def _down(instant: datetime, unit: timedelta) -> datetime:
    return instant - (instant - _EPOCH) % unit


def _up(instant: datetime, unit: timedelta) -> datetime:
    return instant + (_EPOCH - instant) % unit


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
