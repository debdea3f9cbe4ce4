"""Add a change to the packed rows and to the items."""

from services.rating.metering.domain.delta import Numbers, SeriesKey, scaled
from services.rating.metering.domain.tally import Tally
from services.rating.metering.fold.domain.packed import Packed
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.packed import ItemPlace, PackedRepository, Place
from services.rating.metering.repository.names import NamesRepository
from shared.db.unit_of_work import UnitOfWork
from shared.values.names import UNMETERED


async def add_to_packed(uow: UnitOfWork, change: Tally, numbers: Numbers, memory: FoldMemory) -> None:
    """Add what `change` says, in admitted groups. The epoch must be held: there is one writer."""
    await _number_series(uow, change, numbers, memory)
    packed = PackedRepository(uow.connection)
    if change.sums:
        await packed.write_hours(await _added(packed, change, numbers, memory))
    items: dict[ItemPlace, int] = {}
    for (subject, meter, group, hour, item), count in change.items.items():
        if count:
            series = memory.series[meter, numbers.since.get(meter, 0), group]
            items[numbers.subjects[subject], series, hour, item] = count
    if items:
        await packed.add_items(items)


async def _added(
    packed: PackedRepository, change: Tally, numbers: Numbers, memory: FoldMemory
) -> dict[Place, Packed]:
    """The rows that change, as they are afterwards."""
    places = {(numbers.subjects[subject], hour) for subject, _, _, hour in change.sums}
    rows = await packed.hours(sorted(places))
    for (subject, meter, group, hour), added in change.sums.items():
        row = rows.setdefault((numbers.subjects[subject], hour), Packed())
        series = memory.series[meter, numbers.since.get(meter, 0), group]
        row.add(series, added.events, *scaled(added.value))
    return rows


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
