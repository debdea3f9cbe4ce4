"""What is known of one subject, meter and UTC day: of each hour the newest that was said, and the users, teams or
features of the day that were said last. Order and repeats do not matter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

DayKey = tuple[str, str, date]
"""Subject, meter, UTC day."""


class Hour(NamedTuple):
    """An hour as it was said last: its events, the decimal they come to, and the revision that said so; 0: that of
    its day."""

    events: int
    value: str
    revision: int = 0


Hours = Mapping[str, Hour]
"""Hour of a UTC day, "0".."23" → what was said of it."""


class Whose(NamedTuple):
    """What comes with whatever is said of a day: the customer its subject means, and the newest event's time."""

    customer_id: str | None
    last_seen_us: int


# Not frozen: one is read, changed and written for every subject and meter that is said anything of.


@dataclass(slots=True)
class ActiveDay:
    """`revision`: of the newest message of before, which told the whole day; what `hours` lacks was nothing then.
    `items`: the day's hashed values; None where they stay what is stored.

    `folded`: the roll-up of its customer has these hours. Otherwise that of `rolled_customer_id`, if any, has
    `rolled_hours` of it.
    """

    subject: str
    meter: str
    day: date
    revision: int = 0
    customer_id: str | None = None
    hours: dict[str, Hour] = field(default_factory=dict)
    last_seen_us: int = 0
    items_revision: int = 0
    folded: bool = False
    rolled_hours: Hours | None = None
    rolled_customer_id: str | None = None
    items: tuple[str, ...] | None = None

    @property
    def key(self) -> DayKey:
        return self.subject, self.meter, self.day

    @property
    def events(self) -> int:
        return sum(hour.events for hour in self.hours.values())

    def hear_hour(self, name: str, hour: Hour, whose: Whose) -> bool:
        """Take in an hour; False where it is not newer."""
        known = self.hours.get(name)
        if hour.revision <= ((known and known.revision) or self.revision):
            return False
        self._begin(hour.revision, whose)
        self.hours[name] = hour
        return True

    def hear_values(self, values: tuple[str, ...], revision: int, whose: Whose) -> bool:
        """Take in all values of the day; False where they are not newer."""
        if revision <= max(self.items_revision, self.revision):
            return False
        self._begin(revision, whose)
        self.items, self.items_revision = values, revision
        return True

    def hear_day(self, hours: Mapping[str, tuple[int, str]], revision: int, whose: Whose) -> bool:
        """Take in a whole day, which counts as its hours with its revision; False where it is no newer day.
        Hours that are newer stay."""
        if revision <= self.revision:
            return False
        self._begin(revision, whose)
        said = {name: Hour(events, value) for name, (events, value) in hours.items()}
        newer = {name: hour for name, hour in self.hours.items() if hour.revision > revision}
        self.hours, self.revision = {**said, **newer}, revision
        return True

    def _begin(self, revision: int, whose: Whose) -> None:
        """Before something new is taken in: keep what the roll-up has, and whose the day is by the newest."""
        if self.folded:
            self.folded, self.rolled_customer_id, self.rolled_hours = (
                False,
                self.customer_id,
                dict(self.hours),
            )
        if whose.customer_id != self.customer_id and revision >= self._newest:
            self.customer_id = whose.customer_id
        self.last_seen_us = max(self.last_seen_us, whose.last_seen_us)

    @property
    def _newest(self) -> int:
        """The revision of the newest that was said of the day."""
        hours = (hour.revision for hour in self.hours.values())
        return max(self.revision, self.items_revision, *hours, 0)
