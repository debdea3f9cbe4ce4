"""Keeps a meter's groups within bounds: beyond the limit of a meter, subject and UTC month, usage falls into one `other` group."""

from datetime import date

from services.rating.metering.aggregates_repository import AggregatesRepository
from services.rating.metering.cached import MeteringMemory
from services.rating.metering.domain.group import NO_GROUP, OTHER, Group
from services.rating.metering.domain.tally import HOUR_US, Tally
from shared.clock import from_us

MeterMonth = tuple[str, date]


def month_of(hour: int) -> date:
    """The UTC month of an hour (hours since the epoch), as its first day."""
    return from_us(hour * HOUR_US).date().replace(day=1)


async def bounded(tally: Tally, voided: Tally, aggregates: AggregatesRepository, memory: MeteringMemory) -> tuple[Tally, set[tuple[str, str]]]:
    """Return what to add (`tally`) less what is void (`voided`), in admitted groups, and the (meter, subject) that overflowed.

    A group is admitted while its subject has fewer than the limit in the month; once `other` exists nothing new is admitted.
    """
    months = _by_month(tally)
    crowded = await _crowded(months | {key: groups for key, groups in _by_month(voided).items() if key not in months}, aggregates, memory)
    if not crowded:
        tally.take(voided)
        return tally, set()
    admission = Admission(memory.groups_max)
    for meter, month in sorted(crowded):
        await aggregates.lock_groups(meter, month)
        table = "usage_uniques" if memory.catalogue.meters[meter].aggregation == "unique" else "usage_days"
        subjects = tally.subjects(meter) | voided.subjects(meter)
        admission.known[meter, month] = await aggregates.groups_of(table, meter, month, subjects)
    taken = voided.regrouped(admission.where_it_is)
    added = tally.regrouped(admission.where_it_goes)
    added.take(taken)
    return added, admission.overflowed


class Admission:
    """Which groups of which subject are in, for meters that have too many."""

    def __init__(self, groups_max: int) -> None:
        self.groups_max = groups_max
        self.known: dict[MeterMonth, dict[str, set[Group]]] = {}
        self.overflowed: set[tuple[str, str]] = set()

    def where_it_is(self, subject: str, meter: str, group: Group, hour: int) -> Group:
        """The group that holds usage counted before."""
        known = self.known.get((meter, month_of(hour)))
        return group if known is None or group == NO_GROUP or group in known.get(subject, ()) else OTHER

    def where_it_goes(self, subject: str, meter: str, group: Group, hour: int) -> Group:
        """The group new usage is counted in; admits it when there is room."""
        known = self.known.get((meter, month_of(hour)))
        if known is None or group == NO_GROUP:
            return group
        admitted = known.setdefault(subject, set())
        if group in admitted:
            return group
        if OTHER not in admitted and len(admitted) < self.groups_max:
            admitted.add(group)
            return group
        admitted.add(OTHER)
        self.overflowed.add((meter, subject))
        return OTHER


def _by_month(tally: Tally) -> dict[MeterMonth, set[Group]]:
    months: dict[int, date] = {}
    found: dict[MeterMonth, set[Group]] = {}
    for meter, group, hour in tally.groups():
        month = months.get(hour) or months.setdefault(hour, month_of(hour))
        found.setdefault((meter, month), set()).add(group)
    return found


async def _crowded(groups: dict[MeterMonth, set[Group]], aggregates: AggregatesRepository, memory: MeteringMemory) -> set[MeterMonth]:
    """The meter's months in which some subject may be over the limit, because all subjects together are."""
    crowded = set()
    for (meter, month), found in sorted(groups.items()):
        known = memory.groups.get((meter, month), set())
        if OTHER not in known and not found <= known:
            known = await _registered(meter, month, found, aggregates, memory)
        if OTHER in known:
            crowded.add((meter, month))
    return crowded


async def _registered(meter: str, month: date, found: set[Group], aggregates: AggregatesRepository, memory: MeteringMemory) -> set[Group]:
    """Read the registered groups again and register new ones, which are not remembered before they are read as committed."""
    known = memory.groups[meter, month] = await aggregates.meter_groups(meter, month)
    if OTHER in known or found <= known:
        return known
    await aggregates.lock_groups(meter, month)
    known = await aggregates.meter_groups(meter, month) | found
    fresh = {OTHER} if len(known) > memory.groups_max else found
    await aggregates.add_meter_groups(meter, month, fresh)
    return known | fresh
