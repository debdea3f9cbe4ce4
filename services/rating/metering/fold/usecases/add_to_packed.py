"""Add a change to the packed rows and to the items."""

from services.rating.metering.domain.delta import Numbers, SeriesKey, scaled
from services.rating.metering.domain.tally import Tally
from services.rating.metering.fold.domain.packed import ItemHour, Packed, Place, Written
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.packed import ItemPlace, PackedRepository
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork
from shared.values.names import UNMETERED


async def add_to_packed(uow: UnitOfWork, change: Tally, numbers: Numbers, memory: FoldMemory) -> Written:
    """Add what `change` says, in admitted groups. The epoch must be held: there is one writer."""
    await _number_series(uow, change, numbers, memory)
    packed = PackedRepository(uow.connection)
    rows: dict[Place, Packed] = {}
    known: frozenset[Place] = frozenset()
    if change.sums:
        rows, known = await _added(packed, change, numbers, memory)
        await packed.write_hours(rows)
    items: dict[ItemPlace, int] = {}
    for (subject, meter, group, hour, item), count in change.items.items():
        if count:
            series = memory.series[meter, numbers.since.get(meter, 0), group]
            items[numbers.subjects[subject], series, hour, item] = count
    changed = await packed.add_items(items) if items else set[ItemHour]()
    return Written(rows, frozenset(rows.keys() - known), frozenset(changed))


async def _added(
    packed: PackedRepository, change: Tally, numbers: Numbers, memory: FoldMemory
) -> tuple[dict[Place, Packed], frozenset[Place]]:
    """The rows that change, as they are afterwards, less what nobody reads, and those that were there."""
    places = {(numbers.subjects[subject], hour) for subject, _, _, hour in change.sums}
    rows = await packed.hours(sorted(places))
    known = frozenset(rows)
    for row in rows.values():
        row.drop(memory.unread)
    for (subject, meter, group, hour), added in change.sums.items():
        row = rows.setdefault((numbers.subjects[subject], hour), Packed())
        series = memory.series[meter, numbers.since.get(meter, 0), group]
        row.add(series, added.events, *scaled(added.value))
    return rows, known


async def _number_series(uow: UnitOfWork, change: Tally, numbers: Numbers, memory: FoldMemory) -> None:
    """Number series that are new; plain counts of a type are read from their first series on."""
    occurring: set[SeriesKey] = {
        (meter, numbers.since.get(meter, 0), group) for _, meter, group, _ in change.places()
    }
    names = NamesRepository(uow.connection)
    if fresh := sorted(occurring - memory.series.keys()):
        memory.series.update(await names.series_numbers(fresh))
        if types := [meter for meter, _, _ in fresh if meter.startswith(UNMETERED)]:
            await names.read_types(types)
