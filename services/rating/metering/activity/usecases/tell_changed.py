"""Tell the hours that a fold touched, each whole: from the rows it wrote, which are in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.rating.metering.activity.domain import Takers
from services.rating.metering.activity.repository import MeterDay, MeterHour, TouchedRepository
from services.rating.metering.activity.usecases.tell import tell, values_of
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.hours import day_of
from services.rating.metering.domain.tally import HOUR_US
from services.rating.metering.fold.domain.changes import TouchedNumber
from services.rating.metering.fold.domain.packed import Place, Written, numbers_of
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.packed import HOURS, PackedRepository
from services.rating.metering.fold.usecases.know_subjects import know_subjects
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import ActiveHour, DayValues
from shared.values.decimals import plain

Touched = Mapping[TouchedNumber, int]
"""Subject number, hour since the epoch and event type → the newest event's time, what is void included."""
NOTHING = (0, "0")


@dataclass(frozen=True, slots=True)
class _Change:
    """What a fold did, and what of it is to be told: hours → when the newest event happened that their meter
    takes, of meters that add up by the row they stand in, of the others by what each keeps."""

    written: Written
    memory: FoldMemory
    subjects: Mapping[int, str]
    takers: Takers
    sums: dict[Place, list[tuple[str, int]]] = field(default_factory=dict)
    items: dict[OverItems, dict[MeterHour, int]] = field(default_factory=dict)
    told: dict[str, list[ActiveHour]] = field(default_factory=dict)

    def ask(self, touched: Touched) -> None:
        """What nobody reads yet is left out."""
        readable, takers = self.memory.readable, self.takers
        for (number, hour, event_type), newest_us in touched.items():
            for meter in takers.of(event_type):
                since = readable.since_of(meter)
                if since is None:
                    continue
                if over_items := takers.over_items.get(meter):
                    hours = self.items.setdefault(over_items, {})
                    hours[MeterHour(number, hour, meter, since)] = newest_us
                else:
                    self.sums.setdefault((number, hour), []).append((meter, newest_us))

    def tell(self, place: Place, meter: str, quantity: tuple[int, str], newest_us: int) -> None:
        number, hour = place
        told = ActiveHour(meter, hour * HOUR_US, *quantity, newest_us)
        self.told.setdefault(self.subjects[number], []).append(told)


async def tell_changed(
    uow: UnitOfWork, touched: Touched, written: Written, memory: FoldMemory, revision: int
) -> None:
    """Tell what that changed. The epoch must be held."""
    subjects = await know_subjects(uow, {subject for subject, _, _ in touched}, memory)
    change = _Change(written, memory, subjects, memory.readable.takers)
    change.ask(await _newest(uow, touched, change))
    await _tell_sums(uow, change)
    await _tell_items(uow, change)
    await tell(uow, change.told, await _values(uow, change), revision)


async def _newest(uow: UnitOfWork, touched: Touched, change: _Change) -> Touched:
    """The same, over all events of these hours: an hour is told whole, and what was folded before may be newer.
    Where that is not remembered and not the first of its hour, it is read."""
    instants, fresh, takers = change.memory.instants, change.written.fresh, change.takers
    known = instants.among(touched)
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


async def _tell_sums(uow: UnitOfWork, change: _Change) -> None:
    """Of meters that add up, and of types that no meter takes. A row that this fold did not write is read."""
    written = change.written.rows
    rows = {place: written[place] for place in change.sums if place in written}
    if others := sorted(change.sums.keys() - rows.keys()):
        rows |= await PackedRepository(uow.connection).read(HOURS, others)
    series = {number for row in rows.values() for number in numbers_of(row.series)}
    meters = await _meters(uow, series, change.memory)
    for place, asked in change.sums.items():
        row = rows.get(place)
        totals = row.totals(meters) if row is not None else {}
        for meter, newest_us in asked:
            change.tell(place, meter, totals.get(meter, NOTHING), newest_us)


async def _tell_items(uow: UnitOfWork, change: _Change) -> None:
    """Of meters that keep items: these hours are read."""
    for aggregation, hours in change.items.items():
        asked = list(hours)
        found = await TouchedRepository(uow.connection).hours_of_items(aggregation, asked)
        for hour in asked:
            events, value = found[hour]
            change.tell((hour.subject_no, hour.hour), hour.meter, (events, plain(value)), hours[hour])


async def _values(uow: UnitOfWork, change: _Change) -> dict[str, list[DayValues]]:
    """Of the days on which a meter with a role saw an item for the first time in an hour, or lost one."""
    written, memory = change.written, change.memory
    meters = await _meters(uow, {series for _, series, _ in written.items}, memory)
    changed = {(number, day_of(hour), meters[series]) for number, series, hour in written.items}
    days: dict[MeterDay, int] = {}
    for hours in change.items.values():
        for (number, hour, meter, since), newest_us in hours.items():
            if meter in change.takers.with_role and (number, day_of(hour), meter) in changed:
                day = MeterDay(number, day_of(hour), meter, since)
                days[day] = max(newest_us, days.get(day, newest_us))
    items = await TouchedRepository(uow.connection).items(list(days)) if days else {}
    told: dict[str, list[DayValues]] = {}
    for day, newest_us in days.items():
        values = DayValues(day.meter, day.day.isoformat(), values_of(items.get(day, ())), newest_us)
        told.setdefault(change.subjects[day.subject_no], []).append(values)
    return told


async def _meters(uow: UnitOfWork, series: Iterable[int], memory: FoldMemory) -> Mapping[int, str | None]:
    """The meter of each of these series; None: readers do not see it."""
    asked = set(series)
    known = memory.readable.meters.among(asked)
    if unknown := asked - known.keys():
        known |= memory.readable.note(await NamesRepository(uow.connection).named(unknown))
    return known
