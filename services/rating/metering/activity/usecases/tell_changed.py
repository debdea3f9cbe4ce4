"""Tell the hours that a fold touched, each whole: from the rows it wrote, which are in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from services.rating.metering.activity.domain import ActiveHour, ActiveItems, Takers, day_of
from services.rating.metering.activity.repository import MeterDay, MeterHour, TouchedRepository
from services.rating.metering.activity.usecases.tell import tell
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.fold.domain.changes import TouchedNumber
from services.rating.metering.fold.domain.packed import Written, numbers_of
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.packed import HOURS, PackedRepository
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork

Touched = Mapping[TouchedNumber, int]
"""Subject number, hour since the epoch and event type → the newest event's time, what is void included."""
Quantities = dict[MeterHour, tuple[int, Decimal]]
NOTHING = (0, Decimal(0))


@dataclass(frozen=True, slots=True)
class _Change:
    """What a fold did, and what of it is to be told: hours and days → when the newest event happened that their
    meter takes."""

    written: Written
    memory: FoldMemory
    takers: Takers
    hours: dict[MeterHour, int] = field(default_factory=dict)
    days: dict[MeterDay, int] = field(default_factory=dict)

    def ask(self, touched: Touched) -> None:
        for (number, hour, event_type), newest_us in touched.items():
            for meter in self.takers.of(event_type):
                since = self.memory.readable.since_of(meter)
                if since is not None:
                    self.hours[MeterHour(number, hour, meter, since)] = newest_us
                    day = MeterDay(number, day_of(hour), meter, since)
                    self.days[day] = max(newest_us, self.days.get(day, newest_us))


async def tell_changed(
    uow: UnitOfWork, touched: Touched, written: Written, memory: FoldMemory, revision: int
) -> int:
    """Return how many messages that takes. `memory` must know the subjects, and the epoch must be held."""
    change = _Change(written, memory, Takers(memory.admitting.meters.values()))
    change.ask(await _newest(uow, touched, change))
    quantities = await _sums(uow, change) | await _over_items(uow, change)
    hours = [
        ActiveHour(memory.subjects[one.subject_no], one.meter, one.hour, *quantities[one], newest_us)
        for one, newest_us in sorted(change.hours.items())
    ]
    return await tell(uow, hours, await _days(uow, change), revision)


async def _newest(uow: UnitOfWork, touched: Touched, change: _Change) -> Touched:
    """The same, over all events of these hours: a message is whole, and what was folded before may be newer.
    Where that is not remembered and not the first of its hour, it is read."""
    instants, fresh, takers = change.memory.instants, change.written.fresh, change.takers
    known = {key: newest_us for key in touched if (newest_us := instants.get(key)) is not None}
    unknown = [
        key
        for key in touched.keys() - known.keys()
        if (key[0], key[1]) not in fresh or not takers.adds_all(key[2])
    ]
    if unknown:
        known |= await TouchedRepository(uow.connection).newest(unknown)
    newest = {key: max(newest_us, known.get(key, newest_us)) for key, newest_us in touched.items()}
    instants.remember(newest)
    return newest


async def _sums(uow: UnitOfWork, change: _Change) -> Quantities:
    """Of meters that add up, and of types that no meter takes. A row that this fold did not write is read."""
    adding = [one for one in change.hours if one.meter not in change.takers.over_items]
    places = {(one.subject_no, one.hour) for one in adding}
    rows = {place: row for place, row in change.written.rows.items() if place in places}
    if others := sorted(places - rows.keys()):
        rows |= await PackedRepository(uow.connection).read(HOURS, others)
    meters = await _meters(
        uow, {series for row in rows.values() for series in numbers_of(row.series)}, change.memory
    )
    totals = {place: row.totals(meters) for place, row in rows.items()}
    return {one: totals.get((one.subject_no, one.hour), {}).get(one.meter, NOTHING) for one in adding}


async def _over_items(uow: UnitOfWork, change: _Change) -> Quantities:
    """Of meters that keep items: these hours are read."""
    asked: dict[OverItems, list[MeterHour]] = {}
    for one in change.hours:
        if aggregation := change.takers.over_items.get(one.meter):
            asked.setdefault(aggregation, []).append(one)
    found: Quantities = {}
    for aggregation, hours in asked.items():
        found |= await TouchedRepository(uow.connection).hours_of_items(aggregation, hours)
    return found


async def _days(uow: UnitOfWork, change: _Change) -> list[ActiveItems]:
    """The days on which a meter with a role saw an item for the first time in an hour, or lost one."""
    written, memory = change.written, change.memory
    meters = await _meters(uow, {series for _, series, _ in written.items}, memory)
    changed = {(number, day_of(hour), meters[series]) for number, series, hour in written.items}
    days = [day for day in change.days if day.meter in change.takers.with_role and day[:3] in changed]
    items = await TouchedRepository(uow.connection).items(days) if days else {}
    return [
        ActiveItems(memory.subjects[day.subject_no], day.meter, day.day, items.get(day, ()), change.days[day])
        for day in sorted(days)
    ]


async def _meters(uow: UnitOfWork, series: Iterable[int], memory: FoldMemory) -> Mapping[int, str | None]:
    """The meter of each of these series that readers see."""
    if unknown := set(series) - memory.readable.meters.keys():
        memory.readable.note(await NamesRepository(uow.connection).named(unknown))
    return memory.readable.meters
