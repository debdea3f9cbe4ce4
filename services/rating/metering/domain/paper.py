"""Events that nobody stores, counted as meters count: by the same readers and the same aggregations as stored ones."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.collected import Collected, Need, projected
from services.rating.metering.domain.reading import Contribution, Unread
from services.rating.metering.domain.tally import Catalogue
from shared.errors import AppError
from shared.values.groups import Group
from shared.values.instants import to_us

#: Events without a value that a fault spells out.
NAMED_MAX = 5


class EventsUnread(AppError):
    """A meter takes these events and finds no value in them; the door would keep them in quarantine."""


@dataclass(frozen=True, slots=True)
class PaperEvent:
    """An event of the one customer there is. `time_us` is µs since the epoch, `data` JSON."""

    id: str
    type: str
    time_us: int
    data: bytes
    subject: str = ""


class PaperUsage:
    """What meters count of some events. Of several events of one id the first counts, as it does at the door.

    The meters are all that needs name. Raises EventsUnread for a value that is missing, where the meter does not say `missing: ignore`.
    """

    def __init__(self, meters: Iterable[Meter], events: Iterable[PaperEvent]) -> None:
        catalogue = Catalogue(0, meters)
        self._meters = catalogue.meters
        self._read: Mapping[str, list[tuple[int, Contribution]]] = {name: [] for name in self._meters}
        first: dict[str, PaperEvent] = {}
        for event in events:
            first.setdefault(event.id, event)
        unread: list[tuple[str, str]] = []
        for event in sorted(first.values(), key=lambda event: (event.time_us, event.id)):
            for meter, found in catalogue.readings(event):
                if not isinstance(found, Unread):
                    self._read[meter].append((event.time_us, found))
                elif self._meters[meter].missing == "quarantine":
                    unread.append((event.id, meter))
        if unread:
            raise _unread(unread, self._meters)

    def quantities(self, needs: Sequence[Need]) -> list[dict[Group, Decimal]]:
        """Return one mapping a need, in order: group of the needed dimensions → quantity."""
        collected = Collected(
            {
                n: aggregation
                for n, need in enumerate(needs)
                if isinstance(aggregation := self._meters[need.meter].aggregation, OverItems)
            }
        )
        for n, need in enumerate(needs):
            for contribution in self._between(need):
                group = projected(need.dimensions, contribution.group)
                if contribution.item is None:
                    collected.add(n, group, Decimal(contribution.value))
                else:
                    collected.count(n, group, contribution.item)
        return collected.quantities(len(needs))

    def _between(self, need: Need) -> list[Contribution]:
        read = self._read[need.meter]
        start, end = (
            bisect_left(read, to_us(instant), key=lambda one: one[0]) for instant in (need.start, need.end)
        )
        return [contribution for _, contribution in read[start:end]]


def _unread(unread: Sequence[tuple[str, str]], meters: Mapping[str, Meter]) -> EventsUnread:
    named = "; ".join(
        f"{event!r} has no {meters[meter].field} that meter {meter} can read"
        for event, meter in unread[:NAMED_MAX]
    )
    more = f"; {len(unread)} in all" if len(unread) > NAMED_MAX else ""
    return EventsUnread(f"{named}{more}; correct them, or let the meter say `missing: ignore`")
