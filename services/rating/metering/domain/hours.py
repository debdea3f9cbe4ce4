"""Hours and days as numbers since the epoch, in UTC."""

from datetime import date

DAY_HOURS = 24
_EPOCH = date(1970, 1, 1).toordinal()


def first_hour_of(day: date) -> int:
    """The hour since the epoch with which a UTC day begins."""
    return (day.toordinal() - _EPOCH) * DAY_HOURS


def day_of(hour: int) -> date:
    """The UTC day of an hour since the epoch."""
    return date.fromordinal(_EPOCH + hour // DAY_HOURS)
