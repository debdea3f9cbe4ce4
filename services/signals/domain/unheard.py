"""Days on which nobody could be heard, because the producer was silent: what is compared once it has spoken again leaves
them out, or its outage would look like a fall of every customer for as long as the comparison reaches."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

A_DAY = timedelta(days=1)


class Stretch(NamedTuple):
    """The local days from `first` to `last`, both of them too."""

    first: date
    last: date

    def days_from(self, first: date) -> list[date]:
        """Those from `first` on."""
        begins = max(self.first, first)
        return [begins + timedelta(days=number) for number in range((self.last - begins).days + 1)]


Stretches = Mapping[str, tuple[Stretch, ...]]
"""Event type → when its producer was silent for a customer, the oldest first."""
UnheardDays = frozenset[date]


def lived_through(before: Stretches, silent: Mapping[str, date], yesterday: date, since: date) -> Stretches:
    """What was lived through as `yesterday` is over, as far as it reaches beyond `since`. `silent`: event type → the last
    day its producer was seen, of those that are silent."""
    if not before and not silent:
        return before
    found = {
        event_type: tuple(one for one in stretches if one.last >= since)
        for event_type, stretches in before.items()
    }
    for event_type, last_seen_on in silent.items():
        over = tuple(one for one in found.get(event_type, ()) if one.last < last_seen_on)
        goes_on = found.get(event_type, ())[len(over) :]
        first = min([last_seen_on + A_DAY, *(one.first for one in goes_on)])
        found[event_type] = (*over, Stretch(first, yesterday))
    return {event_type: stretches for event_type, stretches in found.items() if stretches}
