"""Service periods: half-open in the contract's time zone, correct across DST, anchored without drift."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

Day = TypeVar("Day", bound=date)


@dataclass(frozen=True, slots=True)
class ServicePeriod:
    """What one statement covers. `start` and `end` are UTC and half-open; the dates are local and both
    inclusive.

    `whole_days` is the length of the full period the anchors draw; `billed_days` is less in a part period. What falls
    due at its end, such as a minimum, does so once it has `ended`; a draft shows what it comes to as if it had.
    """

    start: datetime
    end: datetime
    start_date: date
    end_date: date
    whole_days: int
    billed_days: int
    timezone: str
    ended: bool = True

    def __hash__(self) -> int:
        """Few periods begin and end together: it is looked up with every statement."""
        return hash((self.start, self.end))

    @property
    def whole_seconds(self) -> int:
        """Those of the full period; a day of it that is not billed has 24 hours."""
        missing = timedelta(days=self.whole_days - self.billed_days)
        return (self.end - self.start + missing) // timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class BillingCalendar:
    """The periods of one contract, from `start_date` to `end_date` (exclusive; None: without end).

    A start that is not on the anchor day makes a part period first; an end between anchors makes one last.
    """

    start_date: date
    anchor_day: int
    timezone: str
    interval_months: int = 1
    end_date: date | None = None

    def periods(self) -> Iterator[ServicePeriod]:
        """Yield the periods in order; endless when the calendar has no end."""
        index = 0
        while (period := self._period(index)) is not None:
            yield period
            index += 1

    def containing(self, instant: datetime) -> ServicePeriod | None:
        """Return the period that holds an instant, or None before the start and after the end."""
        day = local_date(instant, self.timezone)
        index = _months_between(self._first_anchor(), day) // self.interval_months
        for candidate in range(max(0, index - 2), index + 3):
            period = self._period(candidate)
            if period is not None and period.start <= instant < period.end:
                return period
        return None

    def after(self, period: ServicePeriod) -> ServicePeriod | None:
        """Return the period that follows, or None when the calendar ends."""
        return self.containing(period.end)

    def _first_anchor(self) -> date:
        """Where the full first period begins: at the start, or one interval before the first anchor after
        it."""
        anchor = _on_day(self.start_date.year, self.start_date.month, self.anchor_day)
        if anchor == self.start_date:
            return anchor
        following = anchor if anchor > self.start_date else _anchor_after(anchor, 1, self.anchor_day)
        return _anchor_after(following, -self.interval_months, self.anchor_day)

    def _period(self, index: int) -> ServicePeriod | None:
        anchor = self._first_anchor()
        first = _anchor_after(anchor, index * self.interval_months, self.anchor_day)
        last = _anchor_after(anchor, (index + 1) * self.interval_months, self.anchor_day)
        begin = max(first, self.start_date)
        finish = last if self.end_date is None else min(last, self.end_date)
        if begin >= finish:
            return None
        return period_between(begin, finish, self.timezone, whole_days=(last - first).days)


def billing_periods(
    start_date: date, anchor_day: int, interval_months: int, timezone: str
) -> Iterator[ServicePeriod]:
    """Yield the periods of a contract without end, in order."""
    return BillingCalendar(start_date, anchor_day, timezone, interval_months).periods()


def period_between(
    start_date: date, end_exclusive: date, timezone: str, *, whole_days: int | None = None
) -> ServicePeriod:
    """Return the period from one local midnight to another. `end_exclusive` is the first day after it."""
    days = days_between(start_date, end_exclusive)
    assert days > 0, f"{start_date} … {end_exclusive} is empty"
    return ServicePeriod(
        start=local_midnight(start_date, timezone),
        end=local_midnight(end_exclusive, timezone),
        start_date=start_date,
        end_date=end_exclusive - timedelta(days=1),
        whole_days=days if whole_days is None else whole_days,
        billed_days=days,
        timezone=timezone,
    )


def days_between(start_date: date, end_exclusive: date) -> int:
    """Return how many days there are from one to the other, which is not counted."""
    return (end_exclusive - start_date).days


def day_after(day: date) -> date:
    return day + timedelta(days=1)


def local_midnight(day: date, timezone: str) -> datetime:
    """Return the first instant of a local day, in UTC.

    Where the clock skips midnight (Brazil and Lebanon have done so) the day begins when the clock jumps;
    where midnight comes twice, at the first.
    """
    zone = ZoneInfo(timezone)
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    return _first_instant(day, zone, earliest=midnight.replace(fold=1).astimezone(UTC), latest=instant)


def local_date(instant: datetime, timezone: str) -> date:
    """Return the local day of an instant."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def add_months(day: date, months: int) -> date:
    """Return the same day some months on, clamped to the month's end: 31 January + 1 = 28 February."""
    return _anchor_after(day, months, day.day)


def month_after(day: Day) -> Day:
    """Return the first day of the month after that of `day`; of a datetime the time of day and the zone
    stay. Raises OverflowError at the end of year 9999."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _first_instant(day: date, zone: ZoneInfo, *, earliest: datetime, latest: datetime) -> datetime:
    """Bisect, to the second, to where the local date reaches `day`; the gap lies between the two readings of
    midnight."""
    while latest - earliest > timedelta(seconds=1):
        middle = earliest + timedelta(seconds=(latest - earliest) // timedelta(seconds=2))
        if middle.astimezone(zone).date() >= day:
            latest = middle
        else:
            earliest = middle
    return earliest if earliest.astimezone(zone).date() >= day else latest


def _on_day(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def _anchor_after(anchor: date, months: int, anchor_day: int) -> date:
    """Clamp from the anchor day each time, so that 31 January, 28 February is followed by 31 March."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return _on_day(year, month + 1, anchor_day)


def _months_between(anchor: date, day: date) -> int:
    return (day.year - anchor.year) * 12 + day.month - anchor.month
