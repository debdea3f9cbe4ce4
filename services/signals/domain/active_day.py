"""What is known of one subject, meter and UTC day: of each hour the newest that was said, and the users, teams or
features of the day that were said last. Order and repeats of messages do not matter."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple, Self

from shared.topics.rating import ActivityMessage

DayKey = tuple[str, str, date]
"""Subject, meter, UTC day."""


class Hour(NamedTuple):
    """An hour as it was said last: its events, the decimal they come to, and the revision that said so."""

    events: int
    value: str
    revision: int


Hours = Mapping[str, Hour]
"""Hour of a UTC day, "0".."23" → what was said of it."""
NOTHING: Hours = {}


@dataclass(frozen=True, slots=True)
class ActiveDay:
    """`revision`: of the newest message of before, which told the whole day: what `hours` lacks was nothing then;
    0 without one. `items`: the day's hashed values; None where they stay what is stored."""

    subject: str
    meter: str
    day: date
    revision: int = 0
    customer_id: str | None = None
    hours: Hours = field(default_factory=dict)
    last_seen_us: int = 0
    items_revision: int = 0
    folded: bool = False
    items: tuple[str, ...] | None = None

    @property
    def key(self) -> DayKey:
        return self.subject, self.meter, self.day

    @property
    def events(self) -> int:
        return sum(hour.events for hour in self.hours.values())

    def hearing(self, message: ActivityMessage) -> Self:
        """The day with what the message says that is newer; itself where nothing is."""
        if message.hour is not None:
            heard = self._hearing_hour(str(message.hour), message)
        elif message.hours is not None:
            heard = self._hearing_values(message)._hearing_day(message.hours, message.revision)
        else:
            heard = self._hearing_values(message)
        if heard is self:
            return self
        customer_id = message.customer_id if message.revision >= self._newest else self.customer_id
        last_seen_us = max(self.last_seen_us, message.last_seen_us)
        return replace(heard, customer_id=customer_id, last_seen_us=last_seen_us)

    @property
    def _newest(self) -> int:
        """The revision of the newest message that was heard of the day."""
        return max(self.revision, self.items_revision, *(hour.revision for hour in self.hours.values()), 0)

    def _hearing_hour(self, name: str, message: ActivityMessage) -> Self:
        known = self.hours.get(name)
        if message.revision <= (self.revision if known is None else known.revision):
            return self
        said = Hour(message.events, message.value, message.revision)
        return replace(self, hours={**self.hours, name: said})

    def _hearing_day(self, hours: Mapping[str, tuple[int, str]], revision: int) -> Self:
        """A whole day counts as its hours with its revision: newer ones stay."""
        if revision <= self.revision:
            return self
        said = {name: Hour(events, value, revision) for name, (events, value) in hours.items()}
        newer = {name: hour for name, hour in self.hours.items() if hour.revision > revision}
        return replace(self, hours={**said, **newer}, revision=revision)

    def _hearing_values(self, message: ActivityMessage) -> Self:
        if message.revision <= max(self.items_revision, self.revision):
            return self
        return replace(self, items=message.values, items_revision=message.revision)
