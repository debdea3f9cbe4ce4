"""Instants in a zone whose name is shown beside them: the customer's, the reader's own, or UTC."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from shared.errors import AppError, Kind
from shared.values.instants import read_day, read_instant

Choice = Literal["customer", "mine", "utc"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)
UTC: Final = "UTC"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class MomentUnreadable(AppError):
    """A service answered a day, an instant or a zone that is none."""

    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Zones:
    """Whose zone a page is shown in. `mine` is the reader's, by its IANA name."""

    choice: Choice = "customer"
    mine: str = UTC

    @property
    def query(self) -> dict[str, str]:
        """What an address says of it: nothing where it is the customer's, as it is without."""
        return {} if self.choice == "customer" else {"zone": self.choice}

    def zone_of(self, customer: str | None) -> str:
        """The zone for what belongs to a customer in this zone; None: to no customer."""
        chosen = {"customer": customer, "mine": self.mine, "utc": UTC}[self.choice]
        return chosen or UTC

    @property
    def csv(self) -> str:
        """The media type of a list in this zone. What is of many customers is in UTC where the zone is theirs."""
        return self.csv_of(None)

    def csv_of(self, customer: str | None) -> str:
        """The same of a list of one customer, who is in this zone."""
        return f"text/csv; zone={self.zone_of(customer)}"

    def moment(self, instant: str, customer: str | None = None) -> "Moment":
        return moment(instant, self.zone_of(customer))


#: Where nobody has chosen.
THEIRS: Final = Zones()


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as a person reads it, to the second; `exact` is what the API said."""

    text: str
    zone: str
    exact: str


def moment(instant: str, zone: str) -> Moment:
    """Return an instant in a zone: "5 Jan 2014 00:00:02 EST". Raises MomentUnreadable for what is no RFC 3339 instant, and
    for no zone."""
    try:
        local = read_instant(instant).astimezone(ZoneInfo(zone))
    except (ValueError, KeyError, OverflowError) as fault:
        raise MomentUnreadable(f"{instant[:40]!r} in {zone[:40]!r} is none") from fault
    name = local.tzname() or zone
    said = f"UTC{name}" if name[0] in "+-" else name
    return Moment(f"{day_of(local.date())} {local:%H:%M:%S} {said}", zone, instant)


def day_of(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def day_in(text: str) -> date:
    """The day of YYYY-MM-DD. Raises MomentUnreadable."""
    try:
        return read_day(text)
    except ValueError as fault:
        raise MomentUnreadable(f"{text[:40]!r} is no day") from fault


def eve_of(text: str) -> str:
    """The day before. Raises MomentUnreadable."""
    try:
        return (day_in(text) - timedelta(days=1)).isoformat()
    except OverflowError as fault:
        raise MomentUnreadable(f"no day is before {text}") from fault


@cache
def is_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True


def days(first: str, last: str) -> str:
    """Two local days, both inclusive: "1–31 Dec 2013"; what they have in common is said once. Raises MomentUnreadable."""
    start, end = day_in(first), day_in(last)
    if start == end:
        return day_of(end)
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{day_of(end)}"
    year = "" if start.year == end.year else f" {start.year}"
    return f"{start.day} {_MONTHS[start.month - 1]}{year} – {day_of(end)}"
